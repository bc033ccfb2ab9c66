"""Documents of Kubernetes objects in every way that YAML has to write them, from a seed. What they mean is not known here:
kubectl says so."""
import random

PLAIN = ["a", "rucio", "1", "0", "-1", "+1", "007", "08", "0x1F", "0o17", "0b101", "1_000", "1.5", ".5", "5.", "1e3", "1E-7",
         "1e400", "12345678901234567890", "9223372036854775807", "-9223372036854775808", "0.1234567890123456789", "true", "True",
         "yes", "no", "Off", "on", "y", "N", "~", "null", "Null", "2001-01-01", "2001-01-01T10:00:00Z", "2001-1-1 1:1:1", "1:30",
         "190:20:30", "a b", "a:b", "a#b", "-a", "?a", ":a", "a,b", "a b:c", "=", "<", ">a", "100m", "1Gi", "v1.2.3", "1.2.3", "http://x/y?z=1&a",
         "x--", "a'b", 'a"b', "日本", "ü", "a\\b", "._5", "_1", "1_", "0x", "0b", "+.5", "-.5", "-0", "-0.0", "e3", "1e", "true1", "(a)",
         "$(A)", "%a", "a%", "a!", "a&b", "a*b", "a|b", "/opt/rucio", "@a"]
# No two of these are read as the same key. Keys that are no words stand without quotes: a word and a number of the same letters
# are two keys to kubectl, and one to us.
WORDS = ["a", "b", "c-d", "e.f/g", "_x", "日本", "a b", "x:y", "-z", "q'r"]
KEYS = ["a", "b", "c-d", "e.f/g", "010", "0x1f", "1.5", "yes", "off", "2001-01-01", "1e2", "_x", "日本", "a b", "x:y", "-z", "q'r"]
ESCAPES = ["\\n", "\\t", "\\\"", "\\\\", "\\x41", "\\u00e9", "\\U0001F600", "\\0", "\\e", "\\ ", "\\_", "\\N", "\\L", "\\P", "\\a", "\\r"]
TAGS = ["!!str", "!foo", "!"]


class Document:
    def __init__(self, seed, name):
        self.random = random.Random(seed)
        self.name = name
        self.anchors = {"scalar": [], "mapping": [], "any": []}
        self.count = 0

    def chance(self, share):
        return self.random.random() < share

    def text(self):
        kind, path = self.random.choice([("Pod", ""), ("Deployment", "template"), ("ConfigMap", None)])
        lines = [f"apiVersion: {'apps/v1' if kind == 'Deployment' else 'v1'}", f"kind: {kind}", "metadata:", f"  name: {self.name}"]
        if self.chance(0.5):
            lines += ["  x-labels:", *self.block_mapping(4, 1)]
        if path is None:
            lines += ["data:", *self.block(2, 3)]
        else:
            indent = 2 if path == "" else 6
            lines += ["spec:"] + (["  template:", "    spec:"] if path else [])
            lines += [" " * indent + line for line in self.pod_spec()]
        parts = self.top_level(lines)
        if self.count == 0:  # an alias stands behind its anchor
            self.random.shuffle(parts)
        return self.head() + "".join(line + "\n" for part in parts for line in part) + self.tail()

    @staticmethod
    def top_level(lines):
        """The members of the document, which may stand in any order but for anchors: those are inside of one member only."""
        parts = []
        for line in lines:
            if line and line[0] not in " #-?:" and not (parts and parts[-1][-1] == ""):
                parts.append([])
            parts[-1].append(line)
        return parts

    def head(self):
        return self.random.choice(["", "", "---\n", "# a comment\n", "---\n# Source: a\n\n", "--- # b\n"])

    def tail(self):
        return self.random.choice(["", "", "", "# the end\n", "\n\n"])

    def pod_spec(self):
        dash = self.random.choice(["", "  "])
        key = self.random.choice(["containers:", "containers:", "&c containers:", "!!str containers:", "\"containers\":",
                                  "'containers':", "? containers\n:"])
        lines = key.split("\n")
        for name in self.random.choice([["rucio-server"], ["side", "rucio-server"]]):
            lines.append(f"{dash}- name: {name}")
            if self.chance(0.4):
                lines.append(f"{dash}  args:")
                lines += [f"{dash}  - {self.quoted()}" for _ in range(self.random.randint(1, 3))]
            if self.chance(0.7):
                lines += [f"{dash}  x-{name}:", *[dash + line for line in self.block(4, 3)]]
        return lines

    # --- nodes

    def anchor(self, sort):
        """An anchor in front of a node, sometimes; it may be used once the node has ended."""
        if not self.chance(0.15):
            return "", lambda: None
        self.count += 1
        name = f"n{self.count}"
        return f"&{name} ", lambda: self.anchors[sort].append(name)

    def alias(self):
        names = sum(self.anchors.values(), [])
        return "*" + self.random.choice(names) if names and self.chance(0.3) else None

    def quoted(self):
        words = "".join(self.random.choice(["a", "b ", " c", "'", "#", ": ", "- ", "{", "$(X)", "ü", "1", "\\"]) for _ in
                        range(self.random.randint(0, 5)))
        if self.chance(0.5):
            return "'" + words.replace("'", "''") + "'"
        escaped = words.replace("\\", "\\\\").replace('"', '\\"')
        if self.chance(0.4):
            escaped += self.random.choice(ESCAPES) + self.random.choice(["", "x", " "])
        return f'"{escaped}"'

    def scalar(self, in_flow):
        if self.chance(0.35):
            return self.quoted()
        if self.chance(0.05) and not in_flow:
            return self.random.choice(["!!int '3'", "!!float 3", "!!bool yes", "!!null ''", "!!binary aGVsbG8=", "!!str"])
        plain = self.random.choice(PLAIN)
        while in_flow and any(c in plain for c in ",?:[]{}#") or plain[0] in "%@":
            plain = self.random.choice(PLAIN)
        return (self.random.choice(TAGS) + " " if self.chance(0.06) else "") + plain

    def flow(self, depth):
        alias = self.alias()
        if alias:
            return alias + " "
        sort = self.random.choice(["scalar", "scalar", "list", "mapping"] if depth > 0 else ["scalar"])
        mark, done = self.anchor(sort if sort != "list" else "any")
        if sort == "scalar":
            text = self.scalar(True)
        elif sort == "list":
            text = "[" + self.random.choice([", ", ","]).join(self.flow(depth - 1) for _ in range(self.random.randint(0, 3))) + "]"
        else:
            keys = self.random.sample(KEYS, self.random.randint(0, 3))
            text = "{" + ", ".join(f"{self.key(key)}: {self.flow(depth - 1)}" for key in keys if ":" not in key) + "}"
        done()
        return mark + text

    def key(self, key):
        style = self.random.random() if key in WORDS else 1
        return f"'{key.replace(chr(39), 2 * chr(39))}'" if style < 0.1 else f'"{key}"' if style < 0.2 else key

    def block_scalar(self, indent, step):
        """A text behind | or >, with the header."""
        explicit = self.chance(0.3)
        folded = self.chance(0.5)
        header = ">|"[not folded] + (str(step) if explicit else "") + self.random.choice(["", "", "-", "+"])
        lines = [self.random.choice(["a", "b c", "", "  more", "# no comment", "- x", "k: v", "'", "ü", "end  ", "x" if folded else "\tt"])
                 for _ in range(self.random.randint(1, 4))]
        if not explicit:
            lines[0] = "first"
        return header, [" " * indent + line if line else "" for line in lines]

    def block(self, indent, depth):
        """The lines of a value that stands below its key."""
        make = self.random.choice([self.block_mapping, self.block_list]) if depth > 0 else self.block_mapping
        return make(indent, depth)

    def value(self, indent, depth, step):
        """What follows "key:" or "-" in its line, and the lines below it, which stand deeper by step."""
        alias = self.alias()
        if alias:
            return " " + alias, []
        choice = self.random.random()
        comment = self.random.choice(["", "", "", "   # why"])
        if choice < 0.4 or depth == 0:
            mark, done = self.anchor("scalar")
            text = self.scalar(False)
            done()
            return f" {mark}{text}{comment if text else ''}", []
        if choice < 0.5:
            header, lines = self.block_scalar(indent, step)
            return " " + header, lines
        if choice < 0.65:
            return " " + self.flow(2) + comment, []
        if choice < 0.7:
            return self.random.choice(["", " ", " # nothing"]), []
        is_mapping = self.chance(0.6)
        mark, done = self.anchor("mapping" if is_mapping else "any")
        lines = (self.block_mapping if is_mapping else self.block_list)(indent, depth - 1)
        done()
        return (" " + mark.rstrip() if mark else "") + comment, lines

    def block_mapping(self, indent, depth):
        lines, pad = [], " " * indent
        for key in self.random.sample(KEYS, self.random.randint(1, 4)):
            if self.anchors["mapping"] and self.chance(0.1) and not any(line.lstrip().startswith("<<") for line in lines):
                lines.append(f"{pad}<<: *{self.random.choice(self.anchors['mapping'])}")
            if self.chance(0.1):
                lines += ["", f"{pad}# a comment"]
            step = self.random.choice([1, 2, 4])
            behind, below = self.value(indent + step, depth, step)
            style = self.random.random()
            if style < 0.05:
                lines += [f"{pad}? {self.key(key)}", f"{pad}:{behind}", *below]
            elif style < 0.08 and key in WORDS:
                lines += [f"{pad}!!str {key}:{behind}", *below]
            else:
                lines += [f"{pad}{self.key(key)}:{behind}", *below]
        return lines

    def block_list(self, indent, depth):
        lines, pad = [], " " * indent
        for _ in range(self.random.randint(1, 4)):
            if depth > 1 and self.chance(0.15):
                below = self.block_list(indent + 2, depth - 1)
                lines += [f"{pad}- {below[0].lstrip()}", *below[1:]]
            elif depth > 1 and self.chance(0.3):
                below = self.block_mapping(indent + 2, depth - 1)
                while below[0].strip() in ("", "# a comment"):
                    below = below[1:]
                lines += [f"{pad}- {below[0].lstrip()}", *below[1:]]
            else:
                behind, below = self.value(indent + 2, depth, 2)
                lines += [f"{pad}-{behind}", *below]
        return lines
