"""Speech as an acoustic model sees it: frames of a filter bank, and the digits spoken.

Real speech is the Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0): 3,000 recordings of
single digits by six speakers. It is read from a folder, and downloaded only when asked for. The
bundled stand-in is drawn from a hidden Markov model, and needs no file.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from minikd import arrays, values
from minikd.backend import Stream, generator
from minikd.data.download import data_folder, retrieve
from minikd.data.features import RATE, log_mel
from minikd.data.unpack import DAMAGED, read_zip

REVISION = "26eb9aa"
URL = f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{REVISION}.zip"
# Of the names and bytes of all recordings, in the order of their names.
SHA256 = "aacc6435ec019f03383d4aa575de70fa6775a5c68b50d87c766d1c14bb2b79ac"


@dataclass(frozen=True, eq=False)
class Recording:
    """One digit, spoken once.

    Attributes
    ----------
    signal : array of float32, shape (samples,)
        From -1 to 1, at 8,000 samples a second.
    digit : int
    speaker : str
    take : int
        Recordings 0 to 4 of each digit and speaker are the official test set.
    """

    signal: Any
    digit: int
    speaker: str
    take: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "signal", arrays.array("signal", self.signal, "(S,)"))
        for name in ("digit", "take"):
            object.__setattr__(self, name, values.whole(name, getattr(self, name)))
        values.text("speaker", self.speaker)


@dataclass(frozen=True, eq=False)
class Utterance:
    """Some digits, spoken by one speaker one after another.

    Attributes
    ----------
    frames : array of float32, shape (n, C)
        C values every hundredth of a second.
    digits : tuple of int
        What was said.
    speaker : str
    """

    frames: Any
    digits: tuple[int, ...]
    speaker: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", arrays.array("frames", self.frames, "(S, C)"))
        object.__setattr__(self, "digits", tuple(values.wholes("digits", self.digits)))
        values.text("speaker", self.speaker)


class Speech(NamedTuple):
    """Utterances for training and for testing, with no recording in common."""

    train: list[Utterance]
    test: list[Utterance]


# ---------------------------------------------------------------- recordings


def speech_file() -> Path:
    """Where the recordings are looked for: ``fsdd/recordings.zip`` in the data folder or cache."""
    return data_folder("fsdd") / "recordings.zip"


def read_recordings(path: str | os.PathLike[str]) -> list[Recording]:
    """All recordings in a zip file, named ``DIGIT_SPEAKER_TAKE.wav``, in any folder of it.

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message names it and says what to do.
    ValueError
        If it is not a zip file, a path in it leads outside, a recording is not named like that or
        cannot be read, or there is none.
    """
    path = values.path("path", path)
    if not path.exists():
        raise FileNotFoundError(
            f"the spoken digits are not in path {path}: run 'minikd data speech' to download them, or "
            "set MINIKD_DATA_DIR to a folder that holds fsdd/recordings.zip, or use the bundled "
            "data (--data synthetic)"
        )
    recordings = []
    for name, content in read_zip(path, _is_sound):
        try:
            recordings.append(_recording(PurePosixPath(name), content))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    if not recordings:
        raise ValueError(f"{path} holds no recordings (DIGIT_SPEAKER_TAKE.wav)")
    return recordings


def _is_sound(name: str) -> bool:
    return name.endswith(".wav")


def _recording(name: PurePosixPath, content: bytes) -> Recording:
    said = re.fullmatch(r"([0-9])_(.+)_([0-9]{1,6})", name.stem)
    if said is None:
        raise ValueError(f"{str(name)!r} is not named DIGIT_SPEAKER_TAKE.wav")
    return Recording(read_wav(content, repr(str(name))), int(said[1]), said[2], int(said[3]))


def read_wav(content: bytes, name: str = "the recording") -> Any:
    """Samples from -1 to 1, shape (samples,), of an 8 kHz, mono, 16-bit WAV file.

    Raises
    ------
    ValueError
        If it is another kind of file, is cut short, or holds no sound.
    """
    import wave

    values.instance("content", content, (bytes, bytearray), "the bytes of a WAV file")
    name = values.text("name", name)
    try:
        with wave.open(io.BytesIO(content)) as file:
            kind = (file.getframerate(), file.getnchannels(), 8 * file.getsampwidth())
            frames, said = file.readframes(file.getnframes()), file.getnframes()
    except (wave.Error, *DAMAGED) as error:
        raise ValueError(
            f"{name} is not a WAV file, or its content is cut short ({error})"
        ) from error
    if kind != (RATE, 1, 16):
        raise ValueError(
            f"{name} has {kind[0]} samples a second, {kind[1]} channels and {kind[2]} bits; "
            f"expected {RATE}, 1 and 16"
        )
    if len(frames) != 2 * said:
        raise ValueError(f"{name} is cut short: {len(frames) // 2} of {said} samples")
    if not said:
        raise ValueError(f"{name} is empty: it holds no samples")
    return np.frombuffer(frames, dtype="<i2").astype(np.float32) / np.float32(2**15)


def fetch_speech(progress: bool = False) -> Path:
    """Download a pinned revision of the spoken digits (16 MB), and check its content.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If the download fails; the message names the address, and where to put the file by hand.
        Also if another file is in its place, which is left alone.
    """
    path = speech_file()
    if path.exists():
        if content_hash(path) == SHA256:
            return path
        raise OSError(
            f"{path} does not hold the recordings of revision {REVISION}; move it away and "
            "run 'minikd data speech' again"
        )
    by_hand = (
        f"Put the recordings into {path} by hand, or use the bundled data (--data synthetic)"
    )

    def put_in_place(got: Path) -> None:
        # The server packs the archive anew, so the archive's own hash says nothing.
        if content_hash(got) != SHA256:
            raise ValueError(f"{URL} does not hold the recordings of revision {REVISION}")
        got.replace(path)

    retrieve(
        [URL], None, "recordings.zip", path.parent, progress, by_hand, 100_000_000, put_in_place
    )
    return path


def content_hash(path: Path) -> str:
    """sha256 of the names and bytes of all recordings in a zip file; empty if it is damaged."""
    import hashlib

    hashed = hashlib.sha256()
    try:
        sounds = read_zip(path, _is_sound)
    except ValueError:
        return ""
    for name, content in sorted(sounds, key=lambda sound: PurePosixPath(sound[0]).name):
        hashed.update(PurePosixPath(name).name.encode() + b"\n" + content)
    return hashed.hexdigest()


# ---------------------------------------------------------------- frames and utterances


def windows(utterances: Sequence[Utterance], past: int, future: int) -> Any:
    """Each frame with its neighbours before and after; at the ends, the outermost frame is repeated.

    Returns
    -------
    array of float32, shape (frames of all utterances, (past + 1 + future) * C)
    """
    utterances = _all_of("utterances", utterances, Utterance)
    past, future = values.whole("past", past), values.whole("future", future)
    parts = []
    for utterance in utterances:
        padded = np.pad(utterance.frames, ((past, future), (0, 0)), mode="edge")
        seen = np.lib.stride_tricks.sliding_window_view(padded, past + 1 + future, axis=0)
        parts.append(seen.transpose(0, 2, 1).reshape(len(utterance.frames), -1))
    return np.concatenate(parts)


def join(recordings: Sequence[Recording], digits: int, rng: np.random.Generator) -> list[Any]:
    """Recordings of one speaker joined end to end, ``digits`` at a time, in random order.

    Returns
    -------
    list of (signal, digits, speaker)
        The last one of a speaker may be shorter.
    """
    recordings = _all_of("recordings", recordings, Recording)
    digits = values.whole("digits", digits, 1)
    values.generator("rng", rng)
    joined = []
    for speaker in sorted({r.speaker for r in recordings}):
        own = [r for r in recordings if r.speaker == speaker]
        order = rng.permutation(len(own))
        for start in range(0, len(own), digits):
            some = [own[k] for k in order[start : start + digits]]
            signal = np.concatenate([r.signal for r in some])
            joined.append((signal, tuple(r.digit for r in some), speaker))
    return joined


def _all_of(name: str, given: Any, kind: type) -> list[Any]:
    """At least one, all of a kind."""
    parts = values.items(name, given, f"{kind.__name__}s")
    if not parts or not all(isinstance(part, kind) for part in parts):
        raise values.refused(name, given, f"a list of {kind.__name__}s, at least one")
    return parts


def load_speech(rng: Any = 0, digits: int = 5) -> Speech:
    """Strings of spoken digits, each by one speaker, as log-mel frames.

    Each coefficient has mean 0 and variance 1 over the training frames.

    Parameters
    ----------
    rng : int or Generator
        Decides which recordings are joined.
    digits : int
        Digits per string.

    Returns
    -------
    Speech
        The official split: recordings 0 to 4 of each digit and speaker are for testing.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`read_recordings`, and if the recordings are not those of the pinned revision.
    """
    digits = values.whole("digits", digits, 1)
    file = speech_file()
    recordings = read_recordings(file)
    if content_hash(file) != SHA256:
        raise ValueError(
            f"{file} does not hold the recordings of revision {REVISION} (other names or other sounds); "
            "move it away and run 'minikd data speech'"
        )
    parts = [[r for r in recordings if (r.take < 5) == testing] for testing in (False, True)]
    stream = generator(values.as_seed(rng), Stream.SPEECH)
    made = [
        [
            Utterance(log_mel(signal), said, who)
            for signal, said, who in join(part, digits, stream)
        ]
        for part in parts
    ]
    return _standardized(*made)


def synthesize_speech(
    rng: Any = 0, train: int = 200, test: int = 80, digits: int = 5, coefficients: int = 12
) -> Speech:
    """A stand-in for speech, drawn from a hidden Markov model: it needs no file.

    Each of the ten digits is a chain of three states that last a few frames each; a state is a
    point in the space of the coefficients. Digits share some of their states, as words share
    sounds. Frames are these points, smeared over time, with the speaker's own offset and much
    noise.

    Parameters
    ----------
    rng : int or Generator
        The same seed gives the same utterances.
    train, test : int
        Number of utterances.
    digits : int
        Digits per utterance.
    coefficients : int
        Values per frame.

    Returns
    -------
    Speech
    """
    stream = generator(values.as_seed(rng), Stream.SPEECH)
    train, test = values.whole("train", train, 1), values.whole("test", test, 1)
    digits = values.whole("digits", digits, 1)
    coefficients = values.whole("coefficients", coefficients, 1)
    sounds = stream.normal(size=(12, coefficients))
    chains = np.array([stream.permutation(12)[:3] for _ in range(10)])
    speakers = stream.normal(0, 0.3, size=(6, coefficients))
    parts = []
    for cases in (train, test):
        utterances = []
        for k in range(cases):
            said = tuple(int(d) for d in stream.integers(0, 10, digits))
            path = np.repeat(chains[list(said)].ravel(), stream.integers(3, 9, 3 * digits))
            clean = sounds[path] + speakers[k % 6]
            # What was just said is still heard.
            for t in range(1, len(clean)):
                clean[t] += 0.5 * (clean[t - 1] - clean[t])
            frames = clean + stream.normal(0, 1.2, size=clean.shape)
            utterances.append(Utterance(frames.astype(np.float32), said, f"speaker {k % 6}"))
        parts.append(utterances)
    return _standardized(*parts)


def _standardized(train: list[Utterance], test: list[Utterance]) -> Speech:
    frames = np.concatenate([u.frames for u in train])
    mean, sd = frames.mean(0), frames.std(0)
    sd[sd == 0] = 1  # a coefficient that never changes stays 0
    return Speech(*(
        [Utterance((u.frames - mean) / sd, u.digits, u.speaker) for u in part]
        for part in (train, test)
    ))  # fmt: skip
