"""Who is timed on a card: gemmule on it, cuCIM, and a chain in PyTorch as someone would write it.

The volume starts in the host's memory and the map ends there: transfers are in the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contenders import ALPHA, BETA, LIST, MAP, NOISE, Contender, Prepare, Setup, Unavailable, gemmule_blobs, gemmule_ridge, log_arguments
from volume import Array


def gemmule_on_card(prepare: Prepare) -> Prepare:
    """gemmule on a hardware adapter, if there is one."""

    def prepared(volume: Array, setup: Setup) -> Callable[[], Any]:
        import gemmule

        try:
            return prepare(volume, setup)
        except gemmule.GpuError as error:
            raise Unavailable(str(error)) from error

    return prepared


def cuda_of_cupy() -> Any:
    """cupy, if it has a card."""
    try:
        import cucim.skimage  # noqa: F401
        import cupy
    except ImportError as error:
        raise Unavailable(f"no cuCIM: {error}") from error
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise Unavailable(f"no CUDA card: {error}") from error
    return cupy


def cucim_frangi(volume: Array, setup: Setup) -> Callable[[], Any]:
    """Frangi of cuCIM."""
    cupy = cuda_of_cupy()
    from cucim.skimage.filters import frangi

    constants = {"alpha": ALPHA, "beta": BETA, "gamma": None, "black_ridges": False}
    return lambda: cupy.asnumpy(frangi(cupy.asarray(volume), sigmas=setup.sigmas, **constants))


def cucim_blobs(volume: Array, setup: Setup) -> Callable[[], Any]:
    """blob_log of cuCIM."""
    cupy = cuda_of_cupy()
    from cucim.skimage.feature import blob_log

    return lambda: cupy.asnumpy(blob_log(cupy.asarray(volume), **log_arguments(setup)))


def torch_frangi(volume: Array, setup: Setup) -> Callable[[], Any]:
    """The chain in PyTorch, on a card."""
    try:
        import torch
    except ImportError as error:
        raise Unavailable(f"no PyTorch: {error}") from error
    if not torch.cuda.is_available():
        raise Unavailable("PyTorch finds no CUDA card")
    torch.backends.cudnn.allow_tf32 = False
    return lambda: torch_chain(volume, setup.sigmas, "cuda")


def torch_chain(volume: Array, sigmas: tuple[float, ...], device: str) -> Array:
    """Frangi in PyTorch: separable derivatives of Gaussians, eigenvalues in closed form, the largest response over the scales."""
    import torch

    with torch.inference_mode():
        image = torch.from_numpy(volume).to(device)
        best = torch.zeros_like(image)
        for sigma in sigmas:
            k1, k2, k3 = torch_eigenvalues(torch_hessian(image, sigma))
            squared = k1 * k1 + k2 * k2 + k3 * k3
            c2 = 0.25 * squared.max()
            response = 1 - torch.exp(-((k2 / k3) ** 2) / (2 * ALPHA**2))
            response *= torch.exp(-(k1 * k1 / (k2 * k3)) / (2 * BETA**2))
            response *= 1 - torch.exp(-squared / (2 * c2))
            bright = (k2 < 0) & (k3 < 0)
            best = torch.maximum(best, torch.where(bright, response, torch.zeros_like(response)))
        result: Array = best.cpu().numpy()
        return result


def torch_hessian(image: Any, sigma: float) -> list[Any]:
    """zz, yy, xx, zy, zx, yx of the scale-normalised Hessian; each axis is filtered only once for all that share it."""
    import torch

    reach = int(4 * sigma + 0.5)
    x = torch.arange(-reach, reach + 1, dtype=torch.float64)
    gauss = torch.exp(-0.5 * (x / sigma) ** 2)
    gauss /= gauss.sum()
    # Derivatives times sigma and sigma squared: what normalisation for scale comes to.
    taps = [gauss, x / sigma * gauss, ((x / sigma) ** 2 - 1) * gauss]
    kernels = [t.to(image.device, image.dtype) for t in taps]

    def along(values: Any, axis: int, order: int) -> Any:
        shape, pad = [1, 1, 1, 1, 1], [0] * 6
        shape[2 + axis] = -1
        pad[2 * (2 - axis)] = pad[2 * (2 - axis) + 1] = reach
        padded = torch.nn.functional.pad(values[None, None], pad, mode="replicate")
        return torch.nn.functional.conv3d(padded, kernels[order].reshape(shape))[0, 0]

    z = [along(image, 0, order) for order in range(3)]
    zy = {(a, b): along(z[a], 1, b) for a in range(3) for b in range(3 - a)}
    return [along(zy[orders[:2]], 2, orders[2]) for orders in ((2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 0), (1, 0, 1), (0, 1, 1))]


def torch_eigenvalues(hessian: list[Any]) -> tuple[Any, Any, Any]:
    """Eigenvalues of symmetric 3 x 3 matrices by the trigonometric formula, by magnitude."""
    import torch

    zz, yy, xx, zy, zx, yx = hessian
    mean = (zz + yy + xx) / 3
    a, b, c = zz - mean, yy - mean, xx - mean
    spread = torch.sqrt((a * a + b * b + c * c + 2 * (zy * zy + zx * zx + yx * yx)) / 6)
    half = 0.5 * (a * (b * c - yx * yx) - zy * (zy * c - yx * zx) + zx * (zy * yx - b * zx))
    angle = torch.acos((half / spread.clamp(min=1e-12) ** 3).clamp(-1, 1)) / 3
    high = mean + 2 * spread * torch.cos(angle)
    low = mean + 2 * spread * torch.cos(angle + 2 * torch.pi / 3)
    stacked = torch.stack([low, 3 * mean - low - high, high])
    ordered = stacked.gather(0, stacked.abs().argsort(0))
    return ordered[0], ordered[1], ordered[2]


def device_peak(name: str) -> int | None:
    """Most bytes taken on the card, where the contender's library counts them."""
    if name.startswith("torch"):
        import torch

        return int(torch.cuda.max_memory_allocated())
    if name.startswith("cucim"):
        import cupy

        # The pool gives nothing back before it is asked to.
        return int(cupy.get_default_memory_pool().total_bytes())
    return None


CARD = {
    "gemmule-card-frangi": Contender("gemmule on the card, Frangi", gemmule_on_card(gemmule_ridge("frangi", "gpu")), MAP, NOISE, card=True),
    "gemmule-card-blobs": Contender("gemmule on the card, blobs", gemmule_on_card(gemmule_blobs("gpu")), LIST, card=True),
    "cucim-frangi": Contender("cuCIM frangi", cucim_frangi, MAP, "as scikit-image's", "gemmule-card-frangi", card=True),
    "cucim-blobs": Contender("cuCIM blob_log", cucim_blobs, LIST, "as scikit-image's", "gemmule-card-blobs", card=True),
    "torch-frangi": Contender("PyTorch, Frangi", torch_frangi, MAP, "closed-form eigenvalues; no noise model", "gemmule-card-frangi", card=True),
}
