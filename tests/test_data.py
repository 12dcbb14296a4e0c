"""Reading, bundling, downloading, jittering and choosing data."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from local_server import serve
from scipy import ndimage

import minikd.data.mnist
from minikd import Dataset, fetch_mnist, load_glyphs, load_mnist
from minikd.backend import Stream, generator
from minikd.data import emnist, fetch_emnist, load_characters, load_emnist
from minikd.data.augment import draw_shifts, shift_images
from minikd.data.idx import read_idx
from minikd.data.mnist import mnist_folder
from minikd.data.render_glyphs import FONTS, render_digits

# ---------------------------------------------------------------- IDX


def idx(array, shape=None, code=0x08):
    shape = array.shape if shape is None else shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + array.tobytes()


@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4), (0, 3)])
@pytest.mark.parametrize(("code", "dtype"), [(0x08, ">u1"), (0x0C, ">i4"), (0x0E, ">f8")])
def test_idx(tmp_path, shape, code, dtype):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    (tmp_path / "a").write_bytes(idx(array, code=code))
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(array, code=code)))
    for name in ("a", "a.gz"):
        got = read_idx(tmp_path / name)
        np.testing.assert_array_equal(got, array)
        assert got.dtype == np.dtype(dtype).newbyteorder("=")
        assert got.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"\x89PNG....", "not an IDX file"),
        (struct.pack(">BBBBI", 0, 0, 0x07, 1, 3) + b"abc", "not an IDX file"),
        (struct.pack(">BBBBH", 0, 0, 0x08, 3, 1), "header is cut short"),
        (idx(np.zeros(5, "u1"), shape=(6,)), "5 bytes, not the 6 bytes"),
        (idx(np.zeros(5, "u1"), shape=(4,)), "longer than the 4 bytes"),
        # Four billion squared bytes: an error, and nothing of that size is allocated.
        (idx(np.zeros(5, "u1"), shape=(2**32 - 1, 2**32 - 1)), "5 bytes, not the"),
    ],
)
def test_damaged_idx(tmp_path, content, message):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / "a")


def test_damaged_gzip(tmp_path):
    whole = gzip.compress(idx(np.arange(200, dtype="u1")))
    for content in (whole[:-20], b"not gzip", whole[:30] + b"\0" * 40 + whole[70:]):
        (tmp_path / "a.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged|not an IDX|bytes"):
            read_idx(tmp_path / "a.gz")


# ---------------------------------------------------------------- MNIST


@pytest.mark.data
def test_mnist(mnist):
    digits = load_mnist()
    assert (len(digits.train), len(digits.test)) == (60_000, 10_000)
    assert digits.train.x.dtype == np.float32
    assert digits.train.x.min() == 0
    assert digits.train.x.max() == 1
    assert (digits.test.y == 3).sum() == 1010


@pytest.mark.data
def test_mnist_files_have_the_published_hashes(mnist):
    for name, sha256 in minikd.data.mnist.SHA256.items():
        assert hashlib.sha256((mnist / name).read_bytes()).hexdigest() == sha256


def test_missing_mnist_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist()
    for word in (str(tmp_path), "minikd data mnist", "MINIKD_DATA_DIR", "glyphs"):
        assert word in str(caught.value)


def test_offline_download_names_every_way_out(tmp_path, monkeypatch):
    mirrors = ("http://127.0.0.1:9/one/", "http://127.0.0.1:9/two/")
    monkeypatch.setattr(minikd.data.mnist, "MIRRORS", mirrors)
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    with pytest.raises(OSError, match="could not download") as caught:
        fetch_mnist()
    for word in (*mirrors, str(tmp_path / "mnist"), "MINIKD_DATA_DIR", "glyphs"):
        assert word in str(caught.value)


@pytest.fixture
def mirror(tmp_path_factory, monkeypatch):
    """A mirror on this machine, with four small files and their hashes."""
    folder = tmp_path_factory.mktemp("mirror")
    hashes = {}
    for name in minikd.data.mnist.SHA256:
        n = 12 if name.startswith("train") else 7
        array = np.zeros((n, 28, 28) if "images" in name else n, "u1")
        (folder / name).write_bytes(gzip.compress(idx(array)))
        hashes[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()

    with serve(folder) as url:
        monkeypatch.setattr(minikd.data.mnist, "SHA256", hashes)
        monkeypatch.setattr(minikd.data.mnist, "MIRRORS", ("http://127.0.0.1:9/", url))
        yield folder


def test_download_goes_on_to_the_second_mirror(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    assert fetch_mnist() == tmp_path / "mnist"
    digits = load_mnist()
    assert (len(digits.train), len(digits.test)) == (12, 7)


def test_a_download_with_the_wrong_hash_is_refused(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    name = next(iter(minikd.data.mnist.SHA256))
    (mirror / name).write_bytes(b"something else")
    with pytest.raises(OSError, match="could not download"):
        fetch_mnist()
    assert not (tmp_path / "mnist" / name).exists()


def test_other_data_under_the_same_names_is_refused(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    fetch_mnist()
    labels = tmp_path / "mnist" / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx(np.ones(12, "u1"))))
    with pytest.raises(ValueError, match="is not MNIST's original file"):
        load_mnist()


def test_an_empty_variable_is_no_folder(monkeypatch):
    monkeypatch.setenv("MINIKD_DATA_DIR", "")
    assert mnist_folder().is_absolute()


# ---------------------------------------------------------------- glyphs


def test_glyphs():
    digits = load_glyphs(rng=0, train=210, test=105)
    assert (len(digits.train), len(digits.test)) == (210, 105)
    np.testing.assert_array_equal(np.bincount(digits.train.y), [21] * 10)
    assert digits.train.x.dtype == np.float32
    assert digits.train.x.min() >= 0
    assert digits.train.x.max() <= 1
    # Every image has ink, and most of an image is background, as in MNIST.
    ink = (digits.train.x > 0.5).mean(-1)
    assert ink.min() > 0.01
    assert ink.mean() < 0.3


def test_glyphs_follow_their_seed():
    a, b, c = (load_glyphs(rng=seed, train=50, test=50) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a.train.x, b.train.x)
    np.testing.assert_array_equal(a.test.x, b.test.x)
    load_glyphs(np.random.default_rng(0), train=1, test=1)
    assert (a.train.x != c.train.x).any()
    assert not set(map(bytes, a.train.x)) & set(map(bytes, a.test.x))


def test_the_bundled_file_is_what_the_script_draws():
    import minikd.data.glyphs

    templates = minikd.data.glyphs._templates("glyphs.npz")
    images, labels = templates["images"], templates["labels"]
    again = render_digits()
    assert len(images) == 10 * len(FONTS) == 210
    np.testing.assert_array_equal(labels, again["labels"])
    # Another matplotlib may round an edge pixel differently; no glyph may differ by more.
    difference = np.abs(images.astype(int) - again["images"]).mean((1, 2))
    assert difference.max() < 0.5


def test_damaged_glyphs(monkeypatch):
    import minikd.data.glyphs

    monkeypatch.setitem(minikd.data.glyphs.SHA256, "glyphs.npz", "0" * 64)
    with pytest.raises(ValueError, match="damaged"):
        load_glyphs(train=1, test=1)
    with pytest.raises(ValueError, match="at least one image"):
        load_glyphs(train=0)


def test_characters():
    """Every template twice, so all classes have the same number of images."""
    found = load_characters(rng=0, train=321 * 8 * 2, test=200)
    assert len(found.names) == len(set(found.names)) == 321
    np.testing.assert_array_equal(np.bincount(found.train.y), [16] * 321)
    assert found.train.x.max() <= 1
    again = load_characters(rng=0, train=100, test=200)
    np.testing.assert_array_equal(again.test.x, found.test.x)
    # The mushrooms: one shape in three alphabets, and a zero.
    assert {"o", "\u03bf", "\u043e", "0"} <= set(found.names)


def test_the_bundled_characters_are_what_the_script_draws():
    import minikd.data.glyphs
    from minikd.data.render_glyphs import CHARACTER_FONTS, CHARACTERS, render

    templates = minikd.data.glyphs._templates("characters.npz")
    assert "".join(templates["names"]) == CHARACTERS
    assert len(templates["images"]) == len(CHARACTERS) * len(CHARACTER_FONTS)
    # A sample from all fonts: all characters would take long.
    for k in range(0, len(templates["images"]), 37):
        font, label = divmod(k, len(CHARACTERS))
        assert templates["labels"][k] == label
        drawn = render(CHARACTERS[label], CHARACTER_FONTS[font])
        assert np.abs(templates["images"][k].astype(int) - drawn).mean() < 4.5  # half a shade


# ---------------------------------------------------------------- EMNIST


@pytest.fixture
def small_emnist(tmp_path, monkeypatch):
    """A folder with two small files that the module takes for EMNIST's."""
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(emnist, "SHA256", dict(emnist.SHA256))
    images = np.zeros((30, 28, 28), "u1")
    images[:, 3, 20] = np.arange(30)  # column 3 and row 20: EMNIST is stored by columns
    (tmp_path / "emnist").mkdir()
    for name, array in zip(emnist.SHA256, (images, np.arange(30, dtype="u1")), strict=True):
        (tmp_path / "emnist" / name).write_bytes(gzip.compress(idx(array)))
        emnist.SHA256[name] = hashlib.sha256(array.tobytes()).hexdigest()
    return tmp_path / "emnist"


def test_emnist_is_turned_and_split_the_same_way_every_time(small_emnist):
    found, again = load_emnist(test=10), load_emnist(test=10)
    assert (len(found.train), len(found.test), len(found.names)) == (20, 10, 62)
    assert (found.names[0], found.names[10], found.names[36]) == ("0", "A", "a")
    for part in (found.train, found.test):
        x = part.x.reshape(-1, 28, 28)
        np.testing.assert_allclose(x[:, 20, 3] * 255, part.y, rtol=1e-6)
        assert np.count_nonzero(x) == np.count_nonzero(part.y)
    assert sorted([*found.train.y, *found.test.y]) == list(range(30))
    np.testing.assert_array_equal(found.test.y, again.test.y)
    for test in (0, 30):
        with pytest.raises(ValueError, match=f"test is {test}; expected 1 … 29"):
            load_emnist(test=test)


def test_emnist_that_is_missing_or_has_other_content(small_emnist):
    labels = small_emnist / "emnist-byclass-test-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx(np.ones(30, "u1"))))
    with pytest.raises(ValueError, match="is not EMNIST's original file"):
        load_emnist()
    labels.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_emnist()
    for word in (str(small_emnist), "1 of 2", "minikd data emnist", "load_characters"):
        assert word in str(caught.value)


def test_emnist_is_fetched_from_a_zip(small_emnist, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("nist")
    with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
        for path in small_emnist.iterdir():
            archive.write(path, f"gzip/{path.name}")
            path.unlink()
    with serve(folder) as url:
        monkeypatch.setattr(emnist, "URL", f"{url}gzip.zip")
        with pytest.raises(OSError, match="could not download") as caught:
            fetch_emnist()  # not the file of NIST
        for word in (emnist.URL, str(small_emnist), "MINIKD_DATA_DIR", "load_characters"):
            assert word in str(caught.value)
        assert not list(small_emnist.iterdir())
        digest = hashlib.md5((folder / "gzip.zip").read_bytes()).hexdigest()
        monkeypatch.setattr(emnist, "MD5", digest)
        assert fetch_emnist() == small_emnist
    assert sorted(path.name for path in small_emnist.iterdir()) == sorted(emnist.SHA256)
    assert fetch_emnist() == small_emnist  # nothing is downloaded twice
    assert len(load_emnist(test=10).train) == 20


def test_the_real_emnist():
    if not all((emnist.emnist_folder() / name).exists() for name in emnist.SHA256):
        pytest.skip(f"EMNIST is not in {emnist.emnist_folder()}; set MINIKD_DATA_DIR")
    found = load_emnist()
    assert (len(found.train), len(found.test)) == (96_323, 20_000)
    assert set(found.train.y) == set(found.test.y) == set(range(62))


# ---------------------------------------------------------------- jitter


def test_jitter_moves_each_image_by_its_own_shift():
    x = generator(0, Stream.MASKS).random((25, 784))
    shifts = np.array([(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)])
    moved = shift_images(x, shifts, (28, 28), pixels=2).reshape(25, 28, 28)
    for image, (dy, dx), got in zip(x.reshape(25, 28, 28), shifts, moved, strict=True):
        expected = np.zeros((28, 28))
        ys, xs = slice(max(dy, 0), 28 + min(dy, 0)), slice(max(dx, 0), 28 + min(dx, 0))
        from_y, from_x = (
            slice(max(-dy, 0), 28 + min(-dy, 0)),
            slice(max(-dx, 0), 28 + min(-dx, 0)),
        )
        expected[ys, xs] = image[from_y, from_x]
        np.testing.assert_array_equal(got, expected)


def test_jitter_between_pixels_is_bilinear():
    """Against scipy's own, with the outside as zeros."""
    rng = generator(0, Stream.MASKS)
    x = rng.random((40, 784)).astype(np.float32)
    shifts = draw_shifts(rng, 40, 2, subpixel=True)
    assert np.abs(shifts).max() > 1.8
    moved = shift_images(x, shifts, (28, 28), pixels=2)
    assert moved.dtype == np.float32
    for image, by, got in zip(x.reshape(-1, 28, 28), shifts, moved, strict=True):
        expected = ndimage.shift(np.pad(image, 4), by, order=1)[4:-4, 4:-4]
        np.testing.assert_allclose(got.reshape(28, 28), expected, atol=1e-6)


def test_jitter_between_pixels_takes_whole_ones_too():
    x = generator(0, Stream.MASKS).random((25, 784))
    whole = np.array([(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)])
    expected = shift_images(x, whole, (28, 28), pixels=2)
    np.testing.assert_array_equal(shift_images(x, whole.astype(float), (28, 28), 2), expected)


def test_shifts_are_uniform():
    shifts = draw_shifts(generator(0, Stream.MASKS), 25_000, 2)
    _, counts = np.unique(shifts, axis=0, return_counts=True)
    assert len(counts) == 25
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)
    real = draw_shifts(generator(0, Stream.MASKS), 25_000, 2, subpixel=True)
    counts, _, _ = np.histogram2d(*real.T, bins=5, range=[(-2, 2), (-2, 2)])
    assert counts.sum() == 25_000
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)


# ---------------------------------------------------------------- transfer sets


@pytest.fixture
def data():
    x = np.arange(40 * 4, dtype=np.float32).reshape(40, 4)
    return Dataset(x, np.arange(40) % 10, shape=(2, 2))


def test_transfer_sets(data):
    v = np.arange(400.0).reshape(40, 10)
    transfer = data.with_logits(v)
    without, only = transfer.without(3), transfer.only(7, 8)
    assert len(without) == 36
    assert not (without.y == 3).any()
    assert set(only.y) == {7, 8}
    assert len(without) + len(transfer.only(3)) == 40
    for part in (without, only):  # each case keeps its own logits
        np.testing.assert_array_equal(part.v[:, 0] / 10, part.x[:, 0] / 4)
    assert transfer.unlabelled().y is None
    assert data.v is None  # nothing was changed
    assert "logits" in repr(transfer)


def test_logits_from_any_framework(data):
    class Tensor:  # what NumPy can read through __array__, like a tensor of PyTorch
        def __array__(self, dtype=None, copy=None):
            return np.ones((40, 10), dtype=dtype or float)

    class Frame(Tensor):  # pandas has a method get, like CuPy, that takes a key
        def get(self, key):
            raise KeyError(key)

    for v in (Tensor(), Frame()):
        assert data.with_logits(v).v.dtype == np.float32
    assert data.with_logits([[0.0] * 10] * 40).v.shape == (40, 10)


def test_split_is_a_partition(data):
    rest, validation = data.split(10, rng=1)
    assert (len(rest), len(validation)) == (30, 10)
    both = np.concatenate([rest.x, validation.x])
    np.testing.assert_array_equal(np.sort(both[:, 0]), data.x[:, 0])
    again, _ = data.split(10, rng=1)
    np.testing.assert_array_equal(rest.x, again.x)
    other, _ = data.split(10, rng=2)
    assert (rest.x != other.x).any()


def test_bad_data(data):
    with pytest.raises(ValueError, match="x has shape"):
        Dataset(np.zeros((3, 5)), shape=(2, 2))
    with pytest.raises(ValueError, match="integer labels"):
        Dataset(np.zeros((3, 4)), np.zeros(3), shape=(2, 2))
    with pytest.raises(ValueError, match="3 integer labels"):
        Dataset(np.zeros((3, 4)), np.zeros(2, int), shape=(2, 2))
    with pytest.raises(ValueError, match="label -2; expected labels ≥ 0, or -1 where none is"):
        Dataset(np.zeros((1, 4)), np.array([-2]), shape=(2, 2))
    with pytest.raises(ValueError, match=r"expected \(40, classes\)"):
        data.with_logits(np.zeros((39, 10)))
    with pytest.raises(ValueError, match="v holds NaN"):
        data.with_logits(np.full((40, 10), np.nan))
    with pytest.raises(ValueError, match="x holds NaN"):
        Dataset(np.full((3, 4), np.nan), shape=(2, 2))
    assert Dataset([[0.0] * 4], shape=(2, 2)).x.shape == (1, 4)
    with pytest.raises(ValueError, match="v has shape"):
        Dataset(np.zeros((3, 4)), v=np.zeros((30, 10)), shape=(2, 2))
    assert Dataset(np.zeros((2, 4)), [0, 1], shape=(2, 2)).only(1).y == [1]
    with pytest.raises(ValueError, match="expected integers"):
        data.without("35")
    for named in ((3, 5), ([3, 5],), (np.array([3, 5]),), (np.int64(3), 5), ((3,), [5])):
        np.testing.assert_array_equal(data.without(*named).y, data.without(3, 5).y)
    assert set(data.only(7, 8).y) == set(data.only([7, 8]).y) == {7, 8}
    with pytest.raises(ValueError, match="no case has the label 11"):
        data.without(11)
    with pytest.raises(ValueError, match="no classes"):
        data.only()
    with pytest.raises(ValueError, match="transfer set is empty"):
        data.without(*range(10))
    with pytest.raises(ValueError, match="no labels to choose"):
        data.unlabelled().without(3)
    for held_out in (0, 40, -1):
        with pytest.raises(ValueError, match="held_out"):
            data.split(held_out)


def test_the_card_of_the_bundled_data_names_these_files():
    card = (Path(__file__).parents[1] / "docs" / "data-card.md").read_text(encoding="utf-8")
    for name in ("glyphs.npz", "characters.npz"):
        content = files("minikd.data").joinpath(name).read_bytes()
        assert f"`{hashlib.sha256(content).hexdigest()}`" in card, name
