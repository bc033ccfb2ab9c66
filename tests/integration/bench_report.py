"""bench/ is held to its record: a ratio that is lost is reported."""
import importlib.util
import json
import pathlib
import tempfile
import unittest
from unittest import mock

from support import ROOT

SPEC = importlib.util.spec_from_file_location("report", ROOT / "bench" / "report.py")
report = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(report)


class Record(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, value in (("DOCS", self.folder), ("PAGE", self.folder / "performance.md")):
            patch = mock.patch.object(report, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def check(self, better, old, new):
        (self.folder / "x.json").write_text(json.dumps({"ratios": {"r": {"value": old, "better": better}}}))
        return report.check("x", {"r": {"value": new, "better": better}})

    def test_ratio_that_is_lost_by_more_than_a_tenth_is_reported(self):
        self.assertEqual(self.check("lower", 2.0, 2.21), ["r: 2.21, expected 2.00 or lower, give or take a tenth"])
        self.assertEqual(self.check("higher", 20, 18.1), ["r: 18.1, expected 20.0 or higher, give or take a tenth"])

    def test_ratio_that_is_kept_or_better_is_not_reported(self):
        for better, old, new in (("lower", 2.0, 2.19), ("lower", 2.0, 1.0), ("higher", 20, 18.3), ("higher", 20, 40)):
            self.assertEqual(self.check(better, old, new), [])

    def test_ratio_on_record_that_was_not_measured_is_reported(self):
        (self.folder / "x.json").write_text('{"ratios": {"r": {"value": 2, "better": "lower"}}}')
        self.assertEqual(report.check("x", {}), ["r: 2.00 on record, and not measured"])

    def test_nothing_on_record_is_told_from_nothing_lost(self):
        self.assertIsNone(report.check("x", {}))

    def test_page_keeps_all_but_what_is_between_the_marks(self):
        report.PAGE.write_text("a\n<!-- m -->\nold\n<!-- /m -->\nb\n")
        report.write_page("m", "new")
        self.assertEqual(report.PAGE.read_text(), "a\n<!-- m -->\nnew\n<!-- /m -->\nb\n")

    def test_page_without_marks_is_refused(self):
        report.PAGE.write_text("a\n")
        with self.assertRaises(SystemExit):
            report.write_page("m", "new")

    def test_what_is_on_record_can_be_compared_with(self):
        for name in ("performance", "performance-cluster"):
            ratios = json.loads((ROOT / "docs" / f"{name}.json").read_text())["ratios"]
            self.assertTrue(ratios)
            for entry in ratios.values():
                self.assertIn(entry["better"], ("lower", "higher"))


if __name__ == "__main__":
    unittest.main()
