"""Opens pages of results in Chromium and fails on what a reader would stumble over.

    page.py CHROMIUM PAGE…

Every page is opened at three widths, in light and in dark, and printed. Then the first is broken in several ways, and
each check has to notice.
"""

import io
import sys
import unicodedata
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pypdf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

WIDTHS = [390, 768, 1280]
# Paper (A4) less the margins of the printer.
PAPER = 718
# The smallest text of a figure, CSS pixels.
SMALLEST = 7.5

# What sticks out to the right of the page; what scrolls by itself may hold wide things.
OVERFLOW = """() => {
  const room = document.documentElement.clientWidth + 1;
  if (document.documentElement.scrollWidth <= room) return [];
  const out = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > room);
  return [`the page is ${document.documentElement.scrollWidth} wide: ` +
    out.slice(0, 3).map(e => e.outerHTML.slice(0, 80)).join(' | ')];
}"""

# Texts of a figure that cover one another, are cut off at its edge, are too small or too faint.
FIGURES = """(smallest) => {
  const wrong = [];
  const light = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const paper = rgb(getComputedStyle(document.body).backgroundColor);
  for (const svg of document.querySelectorAll('svg[role=img]')) {
    const name = (svg.closest('[id]')?.id ?? '') + ' ' + (svg.getAttribute('aria-label') ?? '').slice(0, 60);
    const inverted = getComputedStyle(svg).filter.includes('invert');
    const frame = svg.getBoundingClientRect();
    if (frame.width === 0) { wrong.push(`${name}: is not shown`); continue; }
    const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim());
    const boxes = texts.map(t => {
      const b = t.getBoundingClientRect();
      // Letters fill the middle of their line.
      const [x, y] = b.width >= b.height ? [1, b.height * 0.22] : [b.width * 0.22, 1];
      return { text: t.textContent, left: b.left + x, right: b.right - x, top: b.top + y, bottom: b.bottom - y };
    });
    boxes.forEach((a, i) => {
      boxes.slice(0, i).forEach(b => {
        if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
          wrong.push(`${name}: "${a.text}" lies on "${b.text}"`);
      });
      if (a.left < frame.left - 3 || a.right > frame.right + 3 || a.top < frame.top - 3 || a.bottom > frame.bottom + 3)
        wrong.push(`${name}: "${a.text}" is cut off`);
      const scale = svg.viewBox.baseVal?.width ? frame.width / svg.viewBox.baseVal.width : 1;
      const size = parseFloat(getComputedStyle(texts[i]).fontSize) * scale;
      if (size < smallest) wrong.push(`${name}: "${a.text}" is ${size.toFixed(1)} pixels high`);
      const fill = rgb(getComputedStyle(texts[i]).fill).map(c => inverted ? 255 - c : c);
      const [dark, bright] = [luminance(fill), luminance(paper)].sort((a, b) => a - b);
      if ((bright + 0.05) / (dark + 0.05) < 4.5) wrong.push(`${name}: "${a.text}" is faint`);
    });
  }
  return wrong;
}"""

LINKS = """() => {
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  const twice = ids.filter((id, i) => ids.indexOf(id) < i).map(id => `two elements are called ${id}`);
  const links = [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'));
  const nowhere = links.filter(h => h.startsWith('#') && !ids.includes(decodeURIComponent(h.slice(1))));
  return { wrong: twice.concat(nowhere.map(h => `${h} leads nowhere`)), links };
}"""

# The texts of what is folded, on paper.
FOLDED = """() => [...document.querySelectorAll('details')].map(d => {
  const parts = [...d.children].filter(e => e.tagName !== 'SUMMARY' && e.textContent.trim());
  return { summary: d.querySelector('summary').textContent,
    shown: parts.every(e => e.checkVisibility({ contentVisibilityAuto: true }) && e.getBoundingClientRect().height > 0),
    text: parts.map(e => e.querySelector('td, dd, p')?.textContent ?? '').find(t => t.trim()) ?? '' };
})"""


def squeezed(text):
    """Its letters and digits, without ligatures."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def check(browser, page_file, schemes=("light", "dark")):
    """What is wrong with a page, a line each."""
    wrong = []
    for scheme in schemes:
        context = browser.new_context(color_scheme=scheme, viewport={"width": WIDTHS[-1], "height": 900})
        page = context.new_page()
        say = lambda what: wrong.append(f"{scheme}: {what}")
        page.on("console", lambda m: m.type in ("error", "warning") and say(f"the console says {m.text}"))
        page.on("pageerror", lambda e: say(f"an error: {e}"))
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or say(f"asks for {r.url}"))
        page.goto(page_file.as_uri())
        if scheme == schemes[0]:
            wrong += paper(page)
            wrong += files(page, page_file)
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found = page.evaluate(OVERFLOW) + page.evaluate(FIGURES, SMALLEST)
            wrong += [f"{scheme}, {width} pixels: {what}" for what in found]
        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
        for violation in Axe().run(page, options=rules).response["violations"]:
            nodes = [node["html"][:120] for node in violation["nodes"]]
            say(f"{violation['id']}: {violation['help']}: {len(nodes)} × {nodes[0]}")
        context.close()
    return wrong


def files(page, page_file):
    found = page.evaluate(LINKS)
    for link in found["links"]:
        parts = urlsplit(link)
        if parts.scheme in ("http", "https") or link.startswith("#"):
            continue
        if not (page_file.parent / unquote(parts.path)).is_file():
            found["wrong"].append(f"{link} leads nowhere")
    if page.query_selector("script"):
        found["wrong"].append("there is a script")
    return found["wrong"]


def paper(page):
    """The page in print: all that is folded is open and on the paper, and nothing sticks out."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 900})
    wrong = page.evaluate(OVERFLOW)
    folded = page.evaluate(FOLDED)
    wrong += [f"{f['summary']!r} is folded" for f in folded if not f["shown"]]
    printed = squeezed("".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(page.pdf())).pages))
    wrong += [f"{f['text']!r} is not on the paper" for f in folded if squeezed(f["text"]) not in printed]
    page.emulate_media(media="screen")
    return [f"print: {what}" for what in wrong]


# What is put into a page to break it, in place of what, and a word of the complaint.
BROKEN = [
    ("</main>", "<div style='width:3000px'>wide</div></main>", "wide"),
    ("</main>", "<p style='color:#999'>faint</p></main>", "color-contrast"),
    ("</main>", "<svg role=img aria-label=a><text x=9 y=20>one</text><text x=9 y=24>two</text></svg></main>", "lies on"),
    ("</main>", "<svg role=img aria-label=a><text x=290 y=20>cut off here</text></svg></main>", "cut off"),
    ("</main>", "<a href='#nowhere'>a</a></main>", "#nowhere leads nowhere"),
    ("</main>", "<a href='no/where.csv'>a</a></main>", "no/where.csv leads nowhere"),
    ("</main>", "<script>console.error('broken')</script></main>", "the console says broken"),
    ("</main>", "<img alt='' src='https://example.invalid/a.png'></main>", "asks for"),
    ("</main>", "<svg role=img><path d='M0 0'/></svg></main>", "svg-img-alt"),
    ("details::details-content {", "details::before {", "is folded"),
]


def main(chromium, *pages):
    failed = False
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for page in map(lambda p: Path(p).resolve(), pages):
            wrong = check(browser, page)
            print(f"{page}: {len(wrong) or 'nothing'} wrong")
            print("".join(f"  {what}\n" for what in dict.fromkeys(wrong)), end="")
            failed |= bool(wrong)
        if failed:
            return 1
        first = Path(pages[0]).resolve()
        broken = first.with_name("broken.html")
        for old, new, complaint in BROKEN:
            text = first.read_text()
            assert old in text, old
            broken.write_text(text.replace(old, new, 1))
            wrong = check(browser, broken, schemes=["light"])
            if not any(complaint in what for what in wrong):
                print(f"nobody notices {new}: {wrong}")
                failed = True
        broken.unlink()
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
