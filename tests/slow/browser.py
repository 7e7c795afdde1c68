# SPDX-License-Identifier: MIT
"""A page in a real browser (chromium): nothing is fetched, nothing sticks out of the window, text can be told from its
background (WCAG 2 AA: 4.5 to 1), at the widths of a phone and a desktop, light and dark."""
import html
import json
import re
import shutil
import subprocess

CHROMIUM = shutil.which("chromium")

# Runs in the page, leaves its findings in the document as JSON.
PROBE = """<script>
function rgb(text) { return text.match(/[0-9.]+/g).slice(0, 3).map(Number); }
function light(c) {
  const l = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
}
function contrast(e) {
  const a = light(rgb(getComputedStyle(e).color)), b = light(rgb(getComputedStyle(document.body).backgroundColor));
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
const all = [...document.querySelectorAll("body *")].filter(e => e.tagName != "SCRIPT");
const out = {
  width: innerWidth, scroll: document.documentElement.scrollWidth,
  background: getComputedStyle(document.body).backgroundColor,
  outside: all.filter(e => e.closest("thead") == null && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName),
  contrast: Math.min(...all.filter(e => e.textContent.trim()).map(contrast)),
  rows: [...document.querySelectorAll("tbody tr")].map(r => [...r.cells].map(c => (c.querySelector("span") || c).textContent)),
  strips: document.querySelectorAll("svg.strip").length, bars: document.querySelectorAll("svg.bars").length,
  fetched: performance.getEntriesByType("resource").length,
  headings: [...document.querySelectorAll("h1, h2")].map(h => h.textContent),
};
const pre = parent.document.createElement("script");
pre.type = "application/json"; pre.id = "probe"; pre.textContent = JSON.stringify(out);
parent.document.body.append(pre);
</script>
"""


def look(test, page, folder, env, width, dark):
    """What the probe found in a frame of this width."""
    text = page.read_text(encoding="utf-8")
    test.assertNotRegex(text, r"(?i)<script|https?://|<link|<img|url\(")
    frame = folder / "frame.html"
    frame.write_text('<!doctype html><meta charset="utf-8"><body><iframe style="width:%dpx;height:900px;border:0" srcdoc="%s"></iframe>'
                     % (width, html.escape(text.replace("</body>", PROBE + "</body>"))), encoding="utf-8")
    got = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--user-data-dir=%s" % (folder / "profile"),
                          "--blink-settings=preferredColorScheme=%d" % (0 if dark else 1), "--window-size=1400,1000", frame.as_uri()],
                         env=env, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<script type="application/json" id="probe">(.*?)</script>', got.stdout, re.S)
    test.assertIsNotNone(found, got.stderr[-2000:])
    return json.loads(found[1])


def everywhere(test, page, folder, env):
    """Checks what holds for every page; returns what the last look found."""
    backgrounds, seen = set(), None
    for width in (390, 1280):
        for dark in (False, True):
            with test.subTest(width=width, dark=dark):
                seen = look(test, page, folder, env, width, dark)
                test.assertEqual(seen["width"], width)
                test.assertLessEqual(seen["scroll"], width)
                test.assertEqual(seen["outside"], [])
                test.assertGreaterEqual(seen["contrast"], 4.5)
                test.assertEqual(seen["fetched"], 0)
                backgrounds.add(seen["background"])
    test.assertEqual(len(backgrounds), 2, "light and dark differ")
    return seen
