"""What an acoustic model hears: log energies of a bank of filters on the mel scale (Section 4)."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikd import arrays, values

RATE = 8000  # samples a second


def log_mel(signal: Any, coefficients: int = 40) -> Any:
    """Log energies of a bank of filters on the mel scale, every 10 ms (Section 4).

    Windows of 25 ms (Hann); triangular filters, evenly spaced in mel from 20 Hz to 4 kHz.

    Parameters
    ----------
    signal : array, shape (samples,)
        At 8,000 samples a second.
    coefficients : int
        Number of filters; the paper uses 40.

    Returns
    -------
    array of float32, shape (frames, coefficients)

    Raises
    ------
    ValueError
        If the signal is empty or not finite.
    """
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    signal = arrays.array("signal", signal, dtype=float)
    if signal.ndim != 1 or not signal.size:
        raise ValueError(f"signal has shape {signal.shape}; expected (samples,), at least one")
    if np.abs(signal).max() > 1e15:
        raise ValueError("signal has values above 1e15; expected samples, from -1 to 1")
    hop, points = RATE // 100, 1024
    transform = ShortTimeFFT(hann(RATE // 40, sym=False), hop, RATE, mfft=points)
    frames = max(1, -(-len(signal) // hop))
    padded = np.pad(signal, (0, max(0, RATE // 40 - len(signal))))
    power = np.abs(transform.stft(padded, p0=0, p1=frames)) ** 2
    energies = mel_filters(coefficients, points).T @ power
    # The quietest sound that 16 bits can hold; without this, silence would be minus infinity.
    return np.log(np.maximum(energies, 2.0**-30)).astype(np.float32).T


def mel_filters(coefficients: int, points: int) -> Any:
    """Triangles on the mel scale, shape (points // 2 + 1, coefficients)."""
    points = values.whole("points", points, 2, 2**20)
    coefficients = values.whole("coefficients", coefficients, 1, points // 2)
    frequencies = np.linspace(0, RATE / 2, points // 2 + 1)[:, None]
    low, high = 1127 * np.log1p(np.array([20.0, RATE / 2]) / 700)
    corners = 700 * np.expm1(np.linspace(low, high, coefficients + 2) / 1127)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling))
