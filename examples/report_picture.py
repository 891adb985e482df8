"""
The picture of a report in the README
=====================================

The photos of ``plot_folder_of_photos.py``, ``skvision train --report`` and Chromium:
``python examples/report_picture.py OUT.png`` trains on edges and colors, opens the
report in a window of 720 pixels, and puts its first four sections in two columns.
It needs selenium, chromium and chromedriver.
"""

import shutil
import sys
import tempfile
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from selenium import webdriver
from sklearn.datasets import load_sample_images

from skvision.cli import main

SIDE, WIDTH, MARGIN = 48, 720, 24


def save_squares(root):
    """Save squares of two photos, those on the left for training."""
    photos = load_sample_images().images
    for label, photo in zip(["temple", "flower"], photos, strict=True):
        for row, column in np.ndindex(8, 13):
            folder = root / ("train" if column < 7 else "test") / label
            folder.mkdir(parents=True, exist_ok=True)
            square = photo[SIDE * row :, SIDE * column :][:SIDE, :SIDE]
            Image.fromarray(square).save(folder / f"row_{row}_column_{column:02}.png")


def photograph(report):
    """Return the page as an image, and where its columns begin and end."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=service) as browser:
        size = {"width": WIDTH, "height": 6000, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(report.as_uri())
        breaks = browser.execute_script(
            'return ["mistakes", "training"].map((id) => '
            "document.getElementById(id).getBoundingClientRect().top)"
        )
        page = Image.open(BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    return page, [0, *(round(top) - MARGIN for top in breaks)]


with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    save_squares(root)
    report = root / "report.html"
    arguments = ["train", root / "train", "--test", root / "test", "--report", report]
    main([*map(str, arguments), "--features", "hog,color"])
    page, breaks = photograph(report)

columns = [page.crop((0, top, WIDTH, bottom)) for top, bottom in pairwise(breaks)]
height = max(column.height for column in columns)
picture = Image.new("RGB", (WIDTH * len(columns), height), page.getpixel((0, 0)))
for i, column in enumerate(columns):
    picture.paste(column, (WIDTH * i, 0))
picture.quantize(256).save(sys.argv[1], optimize=True)
