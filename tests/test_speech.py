"""Speech: what is read, what is refused, and what the frames are."""

from __future__ import annotations

import io
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minikd.data import speech
from minikd.data.features import log_mel, mel_filters
from minikd.data.speech import (
    Recording,
    Utterance,
    join,
    load_speech,
    read_recordings,
    read_wav,
    synthesize_speech,
    windows,
)

RNG = np.random.default_rng(8)


def wav(samples, rate=8000, channels=1, width=2):
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setframerate(rate)
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.writeframes(np.asarray(samples, dtype="<i2").tobytes())
    return held.getvalue()


SOUND = wav(RNG.integers(-9000, 9000, 4000))


def archive(tmp_path, files):
    path = tmp_path / "fsdd" / "recordings.zip"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def test_a_wav_file_is_read():
    samples = np.array([0, 16384, -32768])
    np.testing.assert_array_equal(read_wav(wav(samples)), [0, 0.5, -1])


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (wav([1, 2, 3], rate=16000), "16000 samples a second"),
        (wav([1, 2, 3, 4], channels=2), "2 channels"),
        (wav([1, 2, 3, 4], width=1), "8 bits"),
        (SOUND[:-2000], "cut short"),
        (SOUND[:20], "cut short"),
        (b"", "not a WAV file"),
        (b"not a sound at all, but long enough to be read", "not a WAV file"),
        (wav([]), "empty"),
    ],
)
def test_other_files_are_refused(content, word):
    with pytest.raises(ValueError, match=word) as caught:
        read_wav(content, "0_anna_1.wav")
    assert "0_anna_1.wav" in str(caught.value)


def test_recordings_of_an_archive(tmp_path):
    path = archive(tmp_path, {"a/b/3_anna_12.wav": SOUND, "a/readme.md": b"x"})
    (found,) = read_recordings(path)
    assert (found.digit, found.speaker, found.take) == (3, "anna", 12)
    assert found.signal.shape == (4000,)


@pytest.mark.parametrize(
    "name", ["../3_anna_1.wav", "/3_anna_1.wav", "a/../../3_anna_1.wav", "..\\3_anna_1.wav"]
)
def test_a_path_that_climbs_out(tmp_path, name):
    with pytest.raises(ValueError, match="leaves its folder"):
        read_recordings(archive(tmp_path, {name: SOUND}))


def test_archives_that_hold_something_else(tmp_path):
    with pytest.raises(ValueError, match="is not named"):
        read_recordings(archive(tmp_path, {"three.wav": SOUND}))
    with pytest.raises(ValueError, match="holds no recordings"):
        read_recordings(archive(tmp_path, {"x.txt": b""}))
    path = tmp_path / "fsdd" / "recordings.zip"
    path.write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match="not a zip file"):
        read_recordings(path)
    # Bytes inside a compressed recording were changed.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("3_anna_1.wav", SOUND)
    whole = bytearray(path.read_bytes())
    whole[60:90] = bytes(30)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="is damaged"):
        read_recordings(path)
    with pytest.raises(FileNotFoundError, match="MINIKD_DATA_DIR"):
        read_recordings(tmp_path / "nothing.zip")


@pytest.fixture
def sent(tmp_path, monkeypatch):
    """What a download brings, written by the test; the data folder is empty."""
    source = tmp_path / "sent.zip"
    archive(tmp_path, {"a/3_anna_1.wav": SOUND}).rename(source)
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(speech, "SHA256", speech.content_hash(source))

    class Downloader:
        def __init__(self, **_):
            pass

        def __call__(self, url, output_file, pooch):
            if not source.exists():
                raise OSError("no network")
            Path(output_file).write_bytes(source.read_bytes())

    monkeypatch.setattr("pooch.HTTPDownloader", Downloader)
    return source


def test_a_download_is_checked_and_kept(sent):
    path = speech.fetch_speech()
    assert path == speech.speech_file()
    assert len(read_recordings(path)) == 1
    assert [file.name for file in path.parent.iterdir()] == ["recordings.zip"]
    sent.unlink()
    assert speech.fetch_speech() == path  # nothing is downloaded twice


@pytest.mark.parametrize("content", [b"please log in first", None])
def test_a_download_of_something_else_is_refused_and_can_be_tried_again(
    sent, content, tmp_path
):
    good = sent.read_bytes()
    if content is None:
        content = archive(tmp_path, {"a/3_anna_2.wav": SOUND}).read_bytes()
    sent.write_bytes(content)
    for _ in range(2):
        with pytest.raises(OSError, match="delivered another file"):
            speech.fetch_speech()
    assert not speech.speech_file().exists()
    sent.write_bytes(good)
    assert speech.fetch_speech().exists()


def test_without_a_network_every_way_out_is_named(sent):
    sent.unlink()
    with pytest.raises(OSError, match="could not download") as caught:
        speech.fetch_speech()
    for word in (speech.URL, str(speech.speech_file()), "bundled"):
        assert word in str(caught.value)


def test_a_file_of_the_users_own_is_left_alone(sent):
    path = speech.speech_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(OSError, match="move it away"):
        speech.fetch_speech()
    assert path.read_bytes() == b"mine"


def test_other_recordings_are_not_the_spoken_digits(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    takes = {f"{d}_anna_{t}.wav": SOUND for d in range(2) for t in (0, 7)}
    monkeypatch.setattr(speech, "SHA256", speech.content_hash(archive(tmp_path, takes)))
    found = load_speech(digits=2)
    assert [len(part) for part in found] == [1, 1]
    # One more, one less, or one that is played backwards: none of them goes unnoticed.
    backwards = SOUND[:44] + np.frombuffer(SOUND[44:], "<i2")[::-1].tobytes()
    for others in (
        {**takes, "1_ben_9.wav": SOUND},
        dict(list(takes.items())[1:]),
        {**takes, "0_anna_0.wav": backwards},
    ):
        archive(tmp_path, others)
        with pytest.raises(ValueError, match="does not hold the recordings of revision"):
            load_speech()


# ---------------------------------------------------------------- features


def test_filters_cover_the_band():
    filters = mel_filters(40, 1024)
    assert filters.shape == (513, 40)
    assert (filters >= 0).all()
    assert (filters.max(0) > 0.3).all()  # none falls between two frequencies
    peaks = filters.argmax(0)
    assert (np.diff(peaks) > 0).all()
    # On the mel scale: even below, wider and wider above.
    assert np.diff(peaks)[-1] > 4 * np.diff(peaks)[0]


def test_a_tone_lights_its_filter():
    t = np.arange(8000) / 8000
    last = -1
    for hertz in (200, 500, 1000, 2000, 3500):
        frames = log_mel(np.sin(2 * np.pi * hertz * t))
        assert frames.shape == (100, 40)
        loudest = frames[50].argmax()
        corners = mel_filters(40, 8000)[hertz]  # 1 Hz a point
        assert loudest in np.flatnonzero(corners)
        assert loudest > last
        last = loudest


def test_loudness_is_a_shift():
    signal = RNG.normal(size=2000)
    np.testing.assert_allclose(log_mel(2 * signal) - log_mel(signal), np.log(4), atol=1e-4)


def test_silence_and_short_sounds_are_finite():
    for signal in (np.zeros(1000), np.ones(1), np.zeros(3)):
        frames = log_mel(signal)
        assert np.isfinite(frames).all()
        assert len(frames) >= 1
    for wrong in (np.zeros(0), np.zeros((2, 2)), np.array([np.nan])):
        with pytest.raises(ValueError, match="signal"):
            log_mel(wrong)


def test_windows_show_past_and_future():
    frames = np.arange(8.0).reshape(4, 2)
    x = windows([Utterance(frames, (0,), "a")] * 2, past=2, future=1)
    assert x.shape == (8, 8)
    np.testing.assert_array_equal(x[2], [0, 1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(x[0], [0, 1, 0, 1, 0, 1, 2, 3])  # the first frame again
    np.testing.assert_array_equal(x[3], [2, 3, 4, 5, 6, 7, 6, 7])  # the last frame again
    np.testing.assert_array_equal(x[4:], x[:4])  # utterances never meet


def test_joining_keeps_speakers_apart():
    recordings = [
        Recording(np.full(10 + d, 10 * s + d), d, f"s{s}", 0)
        for s in range(2)
        for d in range(7)
    ]
    joined = join(recordings, 3, np.random.default_rng(0))
    assert [len(said) for _, said, _ in joined] == [3, 3, 1] * 2
    assert sorted(d for _, said, who in joined if who == "s1" for d in said) == list(range(7))
    for signal, said, who in joined:
        expected = np.concatenate([np.full(10 + d, 10 * int(who[1]) + d) for d in said])
        np.testing.assert_array_equal(signal, expected)


def test_the_bundled_stand_in():
    a, b, c = (synthesize_speech(rng, train=20, test=10) for rng in (0, 0, 1))
    assert [len(part) for part in a] == [20, 10]
    np.testing.assert_array_equal(a.test[3].frames, b.test[3].frames)
    assert a.test[3].frames.shape != c.test[3].frames.shape or not np.array_equal(
        a.test[3].frames, c.test[3].frames
    )
    every = np.concatenate([u.frames for u in a.train])
    np.testing.assert_allclose(every.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(every.std(0), 1, atol=1e-5)
    assert all(len(u.digits) == 5 and u.frames.dtype == np.float32 for u in a.train)


@pytest.mark.data
def test_real_speech():
    if not speech.speech_file().exists():
        pytest.skip(f"the spoken digits are not in {speech.speech_file()}")
    assert speech.content_hash(speech.speech_file()) == speech.SHA256
    recordings = read_recordings(speech.speech_file())
    assert len(recordings) == 3000
    assert len({r.speaker for r in recordings}) == 6
    found = load_speech()
    assert sum(len(u.digits) for u in found.train) == 2700
    assert sum(len(u.digits) for u in found.test) == 300
    assert found.train[0].frames.shape[1] == 40
