"""The documentation as its readers see it: blocks of code, each with what the page's source says of it.

A comment on the line above a block marks it:

    <!-- not run: REASON -->   nobody can run it here
    <!-- in a cluster -->      tests/e2e/install_docs.py runs it
    <!-- see FILE -->          this test compares it with what the program prints

What has no mark is run (`sh`), is what the block above it prints (`text`), or is read (`yaml`, `json`), a configuration by `check`.
"""
import re

from support import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


class Block:
    def __init__(self, page, line, section, mark, language):
        self.page = page
        self.line = line
        self.section = section  # the heading of the second level
        self.mark = mark  # without the brackets of the comment; "" for none
        self.language = language
        self.text = ""

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def read_blocks(page):
    blocks, section, previous, block, indentation = [], "", "", None, 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.fullmatch(r"( *)```(\w*)", line)
        if block is None and fence:
            mark = re.fullmatch(r" *<!-- (.*) -->", previous)
            block, indentation = Block(page, number, section, mark[1] if mark else "", fence[2]), len(fence[1])
        elif fence:
            blocks.append(block)
            block = None
        elif block is not None:
            block.text += line[indentation:] + "\n"
        elif line.startswith("## "):
            section = line[3:]
        previous = line
    return blocks
