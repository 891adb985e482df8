"""Augmentation against torch, OpenCV and NumPy: the same draws, one thread.

torch changes a batch at once, by index, arithmetic or ``grid_sample``; OpenCV and NumPy
one image after another. All but torch's and OpenCV's zooms, which do not stop at the
edges of a window, give the same images as ours, to rounding.
"""

import cv2
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from skvision.augmentation import ColorJitter, Compose, RandomCrop, RandomFlip

SEED, PADDING = 0, 4
SIDES = pytest.mark.parametrize("side", [32, 512])
FLIP_AND_CROP = Compose([RandomFlip(), RandomCrop(padding=PADDING)])
JITTER = ColorJitter()
ZOOM = RandomCrop(padding=PADDING, scale=(0.6, 1.0))


@pytest.fixture(autouse=True)
def one_thread():
    cv2.setNumThreads(1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


def run(benchmark, name, kind, pictures, side, function):
    images = np.ascontiguousarray(pictures[side][:200])
    benchmark.group = f"{kind} of {len(images)} images of {side} x {side} bytes, each"
    benchmark.extra_info.update(name=name, n=len(images))
    rounds = 100 if side == 32 else 20
    return images, benchmark.pedantic(
        function, (images,), rounds=rounds, warmup_rounds=2
    )


def draw_flip_and_crop(n):
    rng = np.random.default_rng(SEED)
    mirrored = rng.random((n, 2))[:, 0] < 0.5
    starts = np.floor(rng.random((n, 3))[:, 1:] * (2 * PADDING + 1)).astype(int)
    return mirrored, starts


def flip_and_crop_by_torch(images):
    n, side = images.shape[:2]
    mirrored, starts = draw_flip_and_crop(n)
    starts = torch.from_numpy(starts)[:, :, None] - PADDING
    at = (starts + torch.arange(side)).abs()
    at = torch.minimum(at, 2 * (side - 1) - at)
    rows, columns = at[:, 0], at[:, 1]
    mirrored = torch.from_numpy(mirrored)[:, None]
    columns = torch.where(mirrored, side - 1 - columns, columns)
    pictures = torch.arange(n)[:, None, None]
    batch = torch.from_numpy(images)
    return batch[pictures, rows[:, :, None], columns[:, None]].numpy()


def flip_and_crop_by_opencv(images):
    side, out = images.shape[1], np.empty_like(images)
    around = [PADDING] * 4
    draws = zip(images, *draw_flip_and_crop(len(images)), strict=True)
    for i, (image, mirrored, (top, left)) in enumerate(draws):
        image = cv2.flip(image, 1) if mirrored else image
        padded = cv2.copyMakeBorder(image, *around, cv2.BORDER_REFLECT_101)
        out[i] = padded[top : top + side, left : left + side]
    return out


def flip_and_crop_by_numpy(images):
    side, out = images.shape[1], np.empty_like(images)
    around = ((PADDING, PADDING), (PADDING, PADDING), (0, 0))
    draws = zip(images, *draw_flip_and_crop(len(images)), strict=True)
    for i, (image, mirrored, (top, left)) in enumerate(draws):
        padded = np.pad(image[:, ::-1] if mirrored else image, around, mode="reflect")
        out[i] = padded[top : top + side, left : left + side]
    return out


@SIDES
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("skvision", lambda images: FLIP_AND_CROP(images, SEED)),
        ("torch, by index", flip_and_crop_by_torch),
        ("OpenCV", flip_and_crop_by_opencv),
        ("NumPy", flip_and_crop_by_numpy),
    ],
)
def test_flip_and_crop(benchmark, pictures, side, name, function):
    images, got = run(benchmark, name, "flip and crop", pictures, side, function)
    np.testing.assert_array_equal(got, FLIP_AND_CROP(images, SEED))


def draw_factors(n):
    return (0.8 + 0.4 * np.random.default_rng(SEED).random((n, 3))).astype(np.float32)


def jitter_by_torch(images):
    batch = torch.from_numpy(images)
    weights = torch.tensor([0.299, 0.587, 0.114])
    for step, factor in enumerate(torch.from_numpy(draw_factors(len(images))).T):
        factor, batch = factor[:, None, None, None], batch.float()
        other = torch.zeros(())
        if step > 0:
            other = (batch @ weights)[..., None]
        if step == 1:
            other = other.mean(dim=(1, 2, 3), keepdim=True)
        batch = torch.lerp(other.expand_as(batch), batch, factor)
        batch = batch.round_().clamp_(0, 255).to(torch.uint8)
    return batch.numpy()


def jitter_by_opencv(images):
    out = np.empty_like(images)
    factors = draw_factors(len(images)).astype(float)
    for i, (image, (brightness, contrast, saturation)) in enumerate(
        zip(images, factors, strict=True)
    ):
        image = cv2.convertScaleAbs(image, alpha=brightness)
        mean = cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0]
        image = cv2.addWeighted(image, contrast, image, 0, (1 - contrast) * mean)
        gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        out[i] = cv2.addWeighted(image, saturation, gray, 1 - saturation, 0)
    return out


@SIDES
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("skvision", lambda images: JITTER(images, SEED)),
        ("torch, in float32", jitter_by_torch),
        ("OpenCV", jitter_by_opencv),
    ],
)
def test_jitter(benchmark, pictures, side, name, function):
    images, got = run(benchmark, name, "jitter", pictures, side, function)
    ours = JITTER(images, SEED).astype(int)
    assert np.abs(got - ours).max() <= 3  # each step rounds
    assert (got == ours).mean() > 0.9
    assert (got == images).mean() < 0.5


def draw_windows(n, side):
    scales, *places = np.random.default_rng(SEED).random((n, 3)).T
    scales = 0.6 + 0.4 * scales
    reach = 2 * PADDING + side * (1 - scales)
    starts = np.stack(places, axis=1) * reach[:, None] - PADDING
    return scales, starts + 0.5 * scales[:, None] - 0.5  # the first pixel


def zoom_by_torch(images):
    n, side = images.shape[:2]
    scales, starts = draw_windows(n, side)
    at = starts[:, :, None] + np.arange(side) * scales[:, None, None]
    at = torch.from_numpy((at / (side - 1) * 2 - 1).astype(np.float32))
    rows = at[:, 0, :, None].expand(n, side, side)
    columns = at[:, 1, None].expand(n, side, side)
    batch = torch.nn.functional.grid_sample(
        torch.from_numpy(images).permute(0, 3, 1, 2).float(),
        torch.stack([columns, rows], dim=3),
        padding_mode="reflection",
        align_corners=True,
    )
    return batch.round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def zoom_by_opencv(images):
    n, side = images.shape[:2]
    out = np.empty_like(images)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for i, (scale, (top, left)) in enumerate(zip(*draw_windows(n, side), strict=True)):
        matrix = np.array([[scale, 0, left], [0, scale, top]])
        cv2.warpAffine(
            images[i], matrix, (side, side), out[i], flags, cv2.BORDER_REFLECT_101
        )
    return out


@SIDES
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("skvision", lambda images: ZOOM(images, SEED)),
        ("torch, grid_sample", zoom_by_torch),
        ("OpenCV, warpAffine", zoom_by_opencv),
    ],
)
def test_zoom(benchmark, pictures, side, name, function):
    images, got = run(benchmark, name, "crop and resize", pictures, side, function)
    ours = ZOOM(images, SEED).astype(int)
    inside = np.abs(got - ours)[:, 2:-2, 2:-2]
    assert inside.mean() < 0.6  # OpenCV's weights are of 32 steps
    assert (got == images).mean() < 0.5
