"""Who is timed on the CPU, and what each is asked for. Those on a card are in gpu.py.

A contender is prepared (imports, settings) outside the timing; what that returns is the call that is timed. All take the same float32 volume of cubic voxels, the same
scales, and give one float32 map, or one list of blobs.
"""

# scikit-image comes without types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from volume import NOISE_SD, Array

# Standard deviations of the Gaussians, voxels.
SIGMAS = (1.0, 2.0, 3.0)
# Frangi's constants as in the paper: gemmule's only choice.
ALPHA = BETA = 0.5
# Least response of a blob, standard deviations of the noise.
BLOB_MIN = 2.0
# Largest box, voxels, on which ITK's third constant is measured.
BOX = 96


class Unavailable(Exception):
    """Why a contender cannot run here."""


@dataclass(frozen=True)
class Setup:
    """What one call is asked for."""

    sigmas: tuple[float, ...]
    threads: int


Prepare = Callable[[Array, Setup], Callable[[], Any]]


@dataclass(frozen=True)
class Contender:
    """One row of the table for each number of threads."""

    label: str
    prepare: Prepare
    output: str
    # What it does more, less or otherwise than gemmule.
    differs: str = ""
    # The contender of gemmule's that does the same; None for gemmule itself.
    against: str | None = None
    # Whether it takes more than one thread.
    threaded: bool = True
    # Whether it runs on a card; the threads of the CPU are then left alone.
    card: bool = False
    # Most runs per shape, for those that take minutes.
    rounds_max: int | None = None


def gemmule_ridge(response: str, backend: str) -> Prepare:
    """gemmule.ridge without binning and with cubic scales."""

    def prepare(volume: Array, setup: Setup) -> Callable[[], Any]:
        import gemmule

        engine = gemmule.Engine(backend)
        ridge = {"binning": 1, "response": response, "sigma_xy_um": setup.sigmas, "sigma_z_min_um": min(setup.sigmas)}
        return lambda: gemmule.ridge(volume, (1, 1, 1), params={"ridge": ridge}, engine=engine).data

    return prepare


def gemmule_blobs(backend: str) -> Prepare:
    """gemmule.blobs without binning and with cubic scales."""

    def prepare(volume: Array, setup: Setup) -> Callable[[], Any]:
        import gemmule

        engine = gemmule.Engine(backend)
        blob = {"binning": 1, "response_min": BLOB_MIN, "sigma_xy_um": setup.sigmas, "sigma_z_min_um": min(setup.sigmas)}
        return lambda: gemmule.blobs(volume, (1, 1, 1), params={"blob": blob}, engine=engine)

    return prepare


def skimage_frangi(volume: Array, setup: Setup) -> Callable[[], Any]:
    """Frangi of scikit-image."""
    from skimage.filters import frangi

    # Its third constant is half of the largest norm, as gemmule's, if it is not given.
    return lambda: frangi(volume, sigmas=setup.sigmas, alpha=ALPHA, beta=BETA, gamma=None, black_ridges=False)


def skimage_sato(volume: Array, setup: Setup) -> Callable[[], Any]:
    """Sato of scikit-image."""
    from skimage.filters import sato

    return lambda: sato(volume, sigmas=setup.sigmas, black_ridges=False)


def skimage_hessian(volume: Array, setup: Setup) -> Callable[[], Any]:
    """What someone writes who wants no more than eigenvalues: the middle one at each scale, and the largest of them."""
    import numpy as np
    from skimage.feature import hessian_matrix, hessian_matrix_eigvals

    def call() -> Array:
        best = np.zeros_like(volume)
        for sigma in setup.sigmas:
            # The quicker of its two ways.
            elements = hessian_matrix(volume, sigma, mode="nearest", order="rc", use_gaussian_derivatives=False)
            np.maximum(best, np.float32(-(sigma**2)) * hessian_matrix_eigvals(elements)[1], out=best)
        return best

    return call


def skimage_blobs(volume: Array, setup: Setup) -> Callable[[], Any]:
    """blob_log of scikit-image."""
    from skimage.feature import blob_log

    return lambda: blob_log(volume, **log_arguments(setup))


def log_arguments(setup: Setup) -> dict[str, Any]:
    """Arguments of blob_log, here and on a card; with an overlap of 1 it keeps every maximum, as gemmule does."""
    scales = {"min_sigma": min(setup.sigmas), "max_sigma": max(setup.sigmas), "num_sigma": len(setup.sigmas)}
    return {**scales, "threshold": BLOB_MIN * NOISE_SD, "overlap": 1.0}


def largest_norm(volume: Array, sigma: float) -> float:
    """Largest norm of the scale-normalised Hessian in a box of the volume."""
    import numpy as np
    from scipy.ndimage import gaussian_filter

    box = volume[:BOX, :BOX, :BOX]
    squared = np.zeros_like(box)
    for a in range(3):
        for b in range(a, 3):
            order = [int(axis == a) + int(axis == b) for axis in range(3)]
            # Those off the diagonal are there twice.
            squared += (1 if a == b else 2) * gaussian_filter(box, sigma, order, mode="nearest") ** 2
    return float(sigma**2 * np.sqrt(squared.max()))


def itk_objectness(volume: Array, setup: Setup) -> Callable[[], Any]:
    """Multi-scale Hessian objectness of ITK: Frangi's measure of bright lines."""
    import itk

    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(setup.threads)
    image_type, hessian_type = itk.Image[itk.F, 3], itk.Image[itk.SymmetricSecondRankTensor[itk.D, 3], 3]
    # It has one constant for all scales and does not find it itself: the middle scale's.
    gamma = 0.5 * largest_norm(volume, sorted(setup.sigmas)[len(setup.sigmas) // 2])

    def call() -> Array:
        measure = itk.HessianToObjectnessMeasureImageFilter[hessian_type, image_type].New()
        measure.SetObjectDimension(1)
        measure.SetBrightObject(True)
        measure.SetScaleObjectnessMeasure(False)
        measure.SetAlpha(ALPHA)
        measure.SetBeta(BETA)
        measure.SetGamma(gamma)
        scales = itk.MultiScaleHessianBasedMeasureImageFilter[image_type, hessian_type, image_type].New()
        scales.SetInput(itk.image_view_from_array(volume))
        scales.SetHessianToMeasureFilter(measure)
        scales.SetSigmaStepMethodToEquispaced()
        scales.SetSigmaMinimum(min(setup.sigmas))
        scales.SetSigmaMaximum(max(setup.sigmas))
        scales.SetNumberOfSigmaSteps(len(setup.sigmas))
        scales.Update()
        # A view would not outlive the filter.
        result: Array = itk.array_from_image(scales.GetOutput())
        return result

    return call


MAP, LIST = "one float32 map", "a list of blobs with their scales"
NOISE = "also estimates the noise, stabilises its variance and makes a map of the intensity, all within the time"

CPU = {
    "gemmule-frangi": Contender("gemmule, Frangi", gemmule_ridge("frangi", "cpu"), MAP, NOISE),
    "gemmule-sato": Contender("gemmule, Sato", gemmule_ridge("sato", "cpu"), MAP, NOISE),
    "gemmule-blobs": Contender("gemmule, blobs", gemmule_blobs("cpu"), LIST, "also estimates the noise and stabilises its variance; no blobs on the edge of a plane"),
    "skimage-frangi": Contender(
        "scikit-image frangi",
        skimage_frangi,
        MAP,
        "the same alpha and beta; the Hessian is not normalised for scale and the third constant is that of the first scale, where gemmule has each scale's own",
        "gemmule-frangi",
        threaded=False,
        rounds_max=1,
    ),
    "itk-objectness": Contender(
        "ITK multi-scale objectness",
        itk_objectness,
        MAP,
        "the same alpha and beta; Gaussians are recursive; one third constant for all scales, measured beforehand and outside the time; Hessians in float64 (there are no others)",
        "gemmule-frangi",
        rounds_max=3,
    ),
    "skimage-sato": Contender(
        "scikit-image sato",
        skimage_sato,
        MAP,
        "geometric mean of the two eigenvalues, where gemmule has the middle one, lessened where the third is large",
        "gemmule-sato",
        threaded=False,
        rounds_max=1,
    ),
    "skimage-hessian": Contender(
        "scikit-image hessian_matrix, eigenvalues",
        skimage_hessian,
        "one float32 map: the middle eigenvalue",
        "no response at all, and differences of the smoothed volume instead of derivatives of Gaussians: less work",
        "gemmule-sato",
        threaded=False,
        rounds_max=1,
    ),
    "skimage-blobs": Contender(
        "scikit-image blob_log",
        skimage_blobs,
        LIST,
        "the same threshold in noise units, told beforehand; overlap 1, so that no maximum is dropped",
        "gemmule-blobs",
        threaded=False,
    ),
}
