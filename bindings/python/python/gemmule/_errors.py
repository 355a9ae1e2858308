"""What gemmule raises."""


class GemmuleError(Exception):
    """Anything that gemmule refuses or fails at; the message says what was met, what is allowed and what to do."""


class InputError(GemmuleError, ValueError):
    """A value that is not allowed, or a voxel size that is neither in the file nor given."""


class FileError(GemmuleError, ValueError):
    """A file that cannot be read, written or understood."""


class GpuError(GemmuleError, RuntimeError):
    """No adapter, a lost device, or anything else that the GPU side reports."""


class OutOfMemoryError(GemmuleError, MemoryError):
    """More memory needed than there is or than was allowed."""


class Cancelled(GemmuleError):
    """A progress callable returned False."""
