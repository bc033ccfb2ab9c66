"""What bench/run.sh and bench/cluster.sh make of their figures: tables, SVG, and the check against what is on record."""
import json
import pathlib
import re
import statistics
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGE = DOCS / "performance.md"
ALLOWED_LOSS = 0.1

WIDTH, LABEL_WIDTH, BAR_WIDTH, ROW, TITLE = 760, 250, 400, 24, 40
# The page may be dark or light: text and bars are readable on both, and better where the reader's choice is known.
STYLE = """text{font:14px sans-serif;fill:#57606a}.title{font-weight:bold}.bar{fill:#3b82c4}.other{fill:#8c959f}
@media (prefers-color-scheme:dark){text{fill:#c9d1d9}.bar{fill:#58a6ff}.other{fill:#6e7681}}"""


def number(value):
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def median(values):
    return statistics.median(values)


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bars(panels):
    """panels: (title, [(label, value, whether it is this program's)]); each has a scale of its own, from zero."""
    out, y = [], 0
    for title, rows in panels:
        out.append(f'<text class="title" x="0" y="{y + 24}">{escape(title)}</text>')
        y += TITLE
        longest = max(value for _, value, _ in rows)
        for label, value, is_ours in rows:
            width = max(1, round(BAR_WIDTH * value / longest))
            kind = "bar" if is_ours else "other"
            out.append(f'<text x="{LABEL_WIDTH - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
                       f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{y + 2}" width="{width}" height="{ROW - 6}" rx="2"/>'
                       f'<text x="{LABEL_WIDTH + width + 8}" y="{y + 15}">{number(value)}</text>')
            y += ROW
        y += 10
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">\n'
            f"<title>{escape('; '.join(title for title, _ in panels))}</title>\n<style>{STYLE}</style>\n" + "\n".join(out) + "\n</svg>\n")


def rounded(value):
    """Four digits that count."""
    if isinstance(value, dict):
        return {key: rounded(member) for key, member in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def write_files(folder, name, results, panels):
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(rounded(results), indent=1)
    a_line_per_list = re.sub(r"\[[^][]*\]", lambda found: " ".join(found[0].split()), text)
    (folder / f"{name}.json").write_text(a_line_per_list + "\n")
    (folder / f"{name}.svg").write_text(bars(panels))


def write_page(mark, text):
    """Replaces what stands between <!-- MARK --> and <!-- /MARK --> in docs/performance.md."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    page = PAGE.read_text()
    before, found, rest = page.partition(begin)
    _, also_found, after = rest.partition(end)
    if not found or not also_found:
        raise SystemExit(f"{PAGE}: expected the marks {begin.strip()} and {end}")
    PAGE.write_text(before + begin + text + "\n" + end + after)


def check(name, ratios):
    """Compares with docs/NAME.json. Returns what was lost, a line each, or None where nothing is on record."""
    try:
        recorded = json.loads((DOCS / f"{name}.json").read_text())["ratios"]
    except FileNotFoundError:
        return None
    lost = []
    for key, old in recorded.items():
        now = ratios.get(key)
        if now is None:
            lost.append(f"{key}: {number(old['value'])} on record, and not measured")
            continue
        loss = now["value"] / old["value"] if old["better"] == "lower" else old["value"] / now["value"]
        if loss > 1 + ALLOWED_LOSS:
            lost.append(f"{key}: {number(now['value'])}, expected {number(old['value'])} or {old['better']}, "
                        f"give or take a tenth")
    return lost


def publish(name, command, results, panels, text, options):
    """Prints text and writes the files, into docs/ where options say so. Returns the exit code."""
    print(text)
    write_files(DOCS if options.write else options.build, name, results, panels)
    if options.check:
        lost = check(name, results["ratios"])
        if lost is None:
            print(f"docs/{name}.json: nothing is on record; --write records")
            return 1
        for line in lost:
            print(f"lost: {line}")
        if lost:
            return 1
    if options.write:
        write_page(command, text)
    return 0
