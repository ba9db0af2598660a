"""The report page: what it holds, and that it holds all of it itself."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from vosbench import report
from vosbench.data.masks import read_mask, write_mask
from vosbench.errors import StoreError
from vosbench.machine import read_machine
from vosbench.records import Outcome, Record
from vosbench.report.page import PageRequest, render_page, write_page
from vosbench.report.page_overlays import CONFUSED, EXTRA, MISSED, Choice, blend, difference
from vosbench.report.plots_styles import luminance
from vosbench.scorer import score_cell
from vosbench.stats import summarise_seconds
from vosbench.store.frames import write_frames
from vosbench.store.run import FRAMES_FILE, MASKS_FOLDER, RECORD_FILE, Run

FRAMES = 6


@pytest.fixture(scope="module")
def here():
    return read_machine()


@pytest.fixture
def pictured(plan_cells, write_adapter, tiny, here, tmp_path):
    """Gives back a run of two methods on the tiny suite with masks and scores; one cell of "worse" failed."""
    run = Run(tmp_path / "run")
    for spec in plan_cells(write_adapter("good"), write_adapter("worse")):
        failed = spec.method.name == "worse" and spec.video == "bb"
        workspace = run.workspace(spec)
        for index in range(2 if failed else FRAMES):
            truth = read_mask(tiny.parent / "Tiny" / "Annotations" / spec.video / f"{index:05d}.png")
            shift = 6 if spec.method.name == "worse" else 0
            write_mask(workspace / MASKS_FOLDER / f"{index:05d}.png", np.roll(truth, shift, axis=1))
        seconds = np.full(FRAMES, 0.01)
        names = [f"{index:05d}" for index in range(FRAMES)]
        write_frames(workspace / FRAMES_FILE, names, {"seconds": seconds.tolist()})
        outcome = Outcome(status="oom", frame=2, reason="<no> & memory", detail="Traceback <x>") if failed else None
        record = Record(
            key=spec.key,
            spec=spec,
            outcome=outcome or Outcome(status="ok"),
            frames=2 if failed else FRAMES,
            timing=summarise_seconds(seconds),
            machine=here,
            started="2026-01-01T00:00:00+00:00",
        )
        folder = run.publish(workspace, record)
        if not failed:
            score_cell(folder, record)
    return run


class _Read(HTMLParser):
    """Collects what a page refers to, its ids and its headings."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.refers, self.tags, self.images = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        self.ids += [found["id"] for name in found if name == "id"]
        self.refers += [value for name, value in found.items() if name in ("src", "href", "xlink:href", "action")]


def test_the_page_holds_tables_figures_videos_failures_and_pictures(pictured):
    text = render_page(pictured, PageRequest(), pictured.path / "report.html")
    for words in ('<h2 id="tables"', 'id="figures"', 'id="videos"', 'id="failures"', 'id="pictures"', 'id="record"'):
        assert words in text
    assert "Good" in text
    assert "oom at frame 2" in text
    assert "&lt;no&gt; &amp; memory" in text
    assert "Traceback &lt;x&gt;" in text
    assert re.search(r"Good leads with J&amp;F 100.0 %|leads", text) is None, "one video is missing: nobody leads"
    assert 3 <= text.count("data:image/jpeg;base64,")


def test_the_page_is_whole_and_its_parts_are_named(pictured):
    """Nothing outside is asked for, ids are unique, references lead somewhere, tables and pictures have names."""
    text = render_page(pictured, PageRequest(), pictured.path / "report.html")
    page = _Read(text)
    outside = [
        link for link in page.refers if not link.startswith(("#", "data:")) and not link.endswith(("json", "log"))
    ]
    assert [] == outside
    policy = next(found["content"] for tag, found in page.tags if found.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert set() == {one for one in page.ids if page.ids.count(one) > 1}
    wanted = {link[1:] for link in page.refers if link.startswith("#")} | set(re.findall(r"url\(#([^)]+)\)", text))
    wanted |= {word for _, found in page.tags for word in found.get("aria-labelledby", "").split()}
    assert set() == wanted - set(page.ids)
    assert all(found.get("scope") in ("col", "row") for tag, found in page.tags if tag == "th")
    assert all(found.get("alt") for tag, found in page.tags if tag == "img")
    assert ["en"] == [found.get("lang") for tag, found in page.tags if tag == "html"]
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in page.tags}


def test_every_link_to_a_record_exists_from_where_the_page_lies(pictured, tmp_path):
    for path in (None, tmp_path / "else where" / "page.html"):
        written = write_page(pictured, PageRequest(kinds=(), overlays=None), path)
        links = [link for link in _Read(written.read_text()).refers if link.endswith(RECORD_FILE)]
        assert 4 <= len(links)
        assert all((written.parent / unquote(link)).is_file() for link in links)


def test_pictures_can_be_chosen_or_left_out(pictured):
    page = pictured.path / "report.html"
    assert "data:image/jpeg" not in render_page(pictured, PageRequest(kinds=(), overlays=None), page)
    chosen = render_page(pictured, PageRequest(kinds=(), overlays=Choice(times=(0.0, 1.0), videos=("bb",))), page)
    assert "Tiny: bb" in chosen
    assert "Tiny: aa" not in chosen
    assert "frame 5 (00005)" in chosen


def test_videos_whose_frames_are_gone_are_named(pictured, tiny):
    shutil.rmtree(tiny.parent / "Tiny" / "JPEGImages" / "aa")
    text = render_page(pictured, PageRequest(kinds=()), pictured.path / "report.html")
    assert "Tiny, aa: " in text
    assert "Tiny: bb" in text


def test_a_run_without_a_finished_cell_has_no_page(tmp_path):
    with pytest.raises(StoreError, match="no cell of this run is finished"):
        render_page(Run(tmp_path), PageRequest(), tmp_path / "report.html")


def test_a_difference_tells_missed_extra_and_confused_pixels_and_leaves_void_out():
    image = np.full((1, 6, 3), 100, np.uint8)
    truth = np.array([[0, 1, 0, 1, 1, 255]], np.uint8)
    answer = np.array([[0, 1, 1, 0, 2, 1]], np.uint8)
    grey = [178, 178, 178]
    expected = [grey, grey, list(EXTRA), list(MISSED), list(CONFUSED), grey]
    assert expected == difference(image, answer, truth, 255)[0].tolist()


def test_an_overlay_colours_objects_and_leaves_the_background():
    image = np.full((4, 6, 3), 100, np.uint8)
    labels = np.zeros((4, 6), np.uint16)
    labels[:, 3:] = 300
    shown = blend(image, labels)
    assert [100, 100, 100] == shown[2, 1].tolist()
    assert [255, 255, 255] == shown[2, 3].tolist()
    assert [100, 100, 100] != shown[2, 4].tolist()


PROBE = """<script>
(() => {
  const told = { width: innerWidth, page: document.documentElement.scrollWidth };
  const table = document.querySelector("[data-sortable]");
  const heads = [...table.tHead.rows[0].cells];
  const place = heads.findIndex((head) => head.textContent.trim() === "J");
  const column = () => [...table.tBodies[0].rows].map((row) => row.cells[place].dataset.sort);
  const button = heads[place].querySelector("button");
  button.click();
  told.up = column(); told.sorted = heads[place].getAttribute("aria-sort");
  button.click();
  told.down = column(); told.turned = heads[place].getAttribute("aria-sort");
  const find = document.querySelector("[data-filter=text]");
  find.value = "WORSE"; find.dispatchEvent(new Event("input", { bubbles: true }));
  told.shown = [...table.tBodies[0].rows].filter((row) => !row.hidden).length;
  told.says = document.querySelector("[data-shown]").textContent;
  button.focus();
  told.focus = document.activeElement === button;
  const pictures = [...document.images];
  told.broken = pictures.filter((image) => !image.complete || !image.naturalWidth).length;
  parent.postMessage(JSON.stringify(told), "*");
})();
</script></body>"""


FRAME = """<!doctype html><title>frame</title><link rel="icon" href="data:,">
<iframe width="WIDTH" height="900" style="border:0" src="PAGE"></iframe>
<pre id="probe"></pre><script>
addEventListener("message", (event) => { document.getElementById("probe").textContent = event.data; });
</script>"""
"""A window of Chromium is at least 500 pixels wide; a frame in it is as wide as it should be."""


@pytest.fixture
def browser():
    """Gives back the program of a Chromium, or skips the test."""
    found = next((path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed (Debian: chromium)")
    return found


def _probed(run, width):
    """Writes the page with the probe, and a frame around it; gives back the frame."""
    page = write_page(run, PageRequest(kinds=("memory-frames", "fps-frames")))
    page.write_text(page.read_text().replace("</body>", PROBE))
    frame = page.with_name("frame.html")
    frame.write_text(FRAME.replace("WIDTH", str(width)).replace("PAGE", page.name))
    return frame


def test_the_page_opens_from_disk_and_works_on_a_narrow_screen(pictured, browser, tmp_path):
    told = _browse(browser, _probed(pictured, 400).as_uri(), tmp_path)
    assert (400, True) == (told["width"], told["page"] <= 400)
    assert ("ascending", "descending") == (told["sorted"], told["turned"])
    known = [float(value) for value in told["up"] if value]
    assert ["", sorted(known)] == [told["up"][-1], known]
    assert ["", sorted(known, reverse=True)] == [told["down"][-1], [float(value) for value in told["down"] if value]]
    assert (2, "2 of 4 shown") == (told["shown"], told["says"])
    assert (True, 0) == (told["focus"], told["broken"])


def test_the_page_asks_for_nothing_on_a_wide_screen(pictured, browser, tmp_path):
    asked = []

    class Server(http.server.SimpleHTTPRequestHandler):
        def log_message(self, form, *words):
            asked.append(self.path)

    frame = _probed(pictured, 1600)
    serve = functools.partial(Server, directory=frame.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = _browse(browser, f"http://127.0.0.1:{server.server_port}/{frame.name}", tmp_path)
        server.shutdown()
    assert (1600, True) == (told["width"], told["page"] <= 1600)
    assert ["/frame.html", "/report.html"] == asked


def _browse(browser, address, tmp_path):
    """Opens a frame in a browser of its own that reaches no other machine; gives back what the probe told."""
    quiet = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-component-update", "--no-first-run"]
    own = [f"--user-data-dir={tmp_path / 'browser'}", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    asked = ["--window-size=1700,1000", "--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom", address]
    done = subprocess.run([browser, *quiet, *own, *asked], capture_output=True, text=True, check=True, timeout=120)
    assert [] == [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    found = re.search(r'<pre id="probe">(.+?)</pre>', done.stdout)
    assert found is not None, done.stdout[-500:]
    return json.loads(found[1].replace("&amp;", "&"))


def test_text_of_the_page_has_contrast_in_light_and_dark():
    """WCAG 2.2, 1.4.3: 4.5 to 1 between text and whatever it stands on."""
    style = (Path(report.__file__).parent / "templates" / "report.css").read_text()
    schemes = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part)) for part in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert 2 == len(schemes)
    for scheme in schemes:
        for text in ("ink", "soft", "link", "bad"):
            for ground in ("paper", "wash"):
                light, dark = sorted((luminance(scheme[name]) for name in (text, ground)), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
