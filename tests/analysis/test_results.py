"""Result files as the rest of the world sees them: xarray over two engines, h5py, netCDF4, Octave."""

import datetime
import shutil
import socket
import subprocess
import tomllib

import h5netcdf  # noqa: F401  (so that its own import warns here and not in a test)
import h5py
import netCDF4
import numpy
import pytest
import xarray

import ecphory_analysis
from conftest import Program
from ecphory_analysis.results import config_of

pytestmark = pytest.mark.filterwarnings("error")

SHAPE_OF_MATRICES = {"similarity": 2, "a": 3, "query": 8, "key": 8}
GRID = {"similarity": 2, "a": 3}
DIMENSIONS = {
    "status": GRID, "accuracy": GRID, "accuracy_low": GRID, "accuracy_high": GRID, "distance": GRID,
    "score": SHAPE_OF_MATRICES, "softmax": SHAPE_OF_MATRICES, "argmax": SHAPE_OF_MATRICES, "config": {},
}
OPENERS = {
    "ecphory_analysis": ecphory_analysis.open,
    "h5netcdf": lambda path: xarray.open_dataset(path, engine="h5netcdf"),
    "netcdf4": lambda path: xarray.open_dataset(path, engine="netcdf4"),
}


@pytest.fixture(scope="module")
def distances(tmp_path_factory):
    """distance[i, j], each from a run of that point alone: no array, no axis, no order to get wrong."""
    folder = tmp_path_factory.mktemp("points")
    program = Program(folder)

    def alone(similarity, a):
        (folder / "point.toml").write_text(
            f'experiment = "amicl"\nseed = 7\nmodel.similarity = "{similarity}"\nmodel.a = {a}\n'
            "task = {trials = 20, classes = 16, length = 8, dimension = 12}\nrecord.scores = true\n")
        assert program("run", "point.toml", "--force").returncode == 0
        with h5py.File(folder / "point.h5") as file:
            return file["distance"][()]

    return numpy.array([[alone(similarity, a) for a in [0.0, 1.0, 2.0]] for similarity in ["dot", "euclidean"]])


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS.keys())
def test_xarray_finds_dimensions_coordinates_and_units(small_result, opener):
    with opener(small_result) as dataset:
        dataset.load()
        assert {name: dict(array.sizes) for name, array in dataset.data_vars.items()} == DIMENSIONS
        assert dataset["similarity"].values.tolist() == ["dot", "euclidean"]
        assert dataset["a"].values.tolist() == [0.0, 1.0, 2.0]
        assert dataset["query"].values.tolist() == dataset["key"].values.tolist() == list(range(8))
        for name, variable in dataset.variables.items():
            assert variable.attrs["units"] == "1", name
            assert variable.attrs["long_name"], name
        assert dataset["a"].attrs["long_name"] == "weight of the preceding token in keys and queries"
        assert dataset.sel(similarity="euclidean", a=2.0)["accuracy"].shape == ()


def read_with_h5py(path, name):
    with h5py.File(path) as file:
        return file[name][()]


def read_with_netcdf4(path, name):
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        return file[name][...]


@pytest.mark.parametrize("read", [read_with_h5py, read_with_netcdf4])
def test_an_array_that_is_not_square_comes_back_untransposed(small_result, distances, read):
    assert numpy.array_equal(read(small_result, "distance"), distances)
    assert len(set(distances.flat)) == 6


@pytest.mark.parametrize("read", [read_with_h5py, read_with_netcdf4])
def test_square_matrices_come_back_as_queries_by_keys(small_result, read):
    argmax = read(small_result, "argmax")
    assert argmax.shape == tuple(SHAPE_OF_MATRICES.values())
    assert (argmax.sum(axis=-1) == 1).all(), "every query has one largest key"
    assert not (argmax.sum(axis=-2) == 1).all(), "were this true too, a transposed matrix would pass"
    score = read(small_result, "score")
    assert numpy.array_equal(score.argmax(axis=-1), argmax.argmax(axis=-1))


def test_octave_reads_the_same_numbers(small_result, distances):
    if shutil.which("octave") is None:
        pytest.skip("octave is not installed")
    script = f"s = load('-hdf5', '{small_result}'); printf('%.17g\\n', s.distance)"
    run = subprocess.run(["octave", "--quiet", "--eval", script], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    # Octave's arrays are column-major: the last dimension of the file is its first.
    assert numpy.array_equal(numpy.array(run.stdout.split(), dtype=float).reshape(2, 3), distances)


def test_netcdf4_names_the_dimensions(small_result):
    with netCDF4.Dataset(small_result) as file:
        assert {name: len(size) for name, size in file.dimensions.items()} == SHAPE_OF_MATRICES
        for name, sizes in DIMENSIONS.items():
            assert file[name].dimensions == tuple(sizes)


def test_every_axis_has_a_scale_that_is_named_like_its_dimension(small_result):
    with h5py.File(small_result) as file:
        for name, sizes in DIMENSIONS.items():
            assert [scales[0].name for scales in file[name].dims] == [f"/{dimension}" for dimension in sizes]
        for dimension in SHAPE_OF_MATRICES:
            assert h5py.h5ds.is_scale(file[dimension].id)


def test_status_says_what_its_numbers_mean(small_result):
    with ecphory_analysis.open(small_result) as dataset:
        status = dataset["status"]
        assert status.dtype == numpy.uint8 and (status == 1).all()
        assert dict(zip(status.attrs["flag_meanings"].split(), status.attrs["flag_values"].tolist())) == {
            "missing": 0, "done": 1, "failed": 2, "not_needed": 3}


def test_config_is_the_resolved_experiment_file(small_result):
    with ecphory_analysis.open(small_result) as dataset:
        config = config_of(dataset)
    assert config == {
        "experiment": "amicl", "title": "small", "seed": 7,
        "model": {"beta": numpy.inf},
        "task": {"classes": 16, "dimension": 12, "length": 8, "noise": 0.1, "noise_scale": "released", "trials": 20},
        "record": {"precision": "double", "gzip": 0, "scores": True},
        "sweep": {"model": {"similarity": {"values": ["dot", "euclidean"]}, "a": {"linspace": [0.0, 2.0, 3]}}},
    }


def test_root_attributes_say_where_the_file_came_from(small_result):
    with h5py.File(small_result) as file:
        attributes = dict(file.attrs)
    assert list(attributes) == ["title", "Conventions", "experiment", "ecphory_version", "commit", "dirty", "host",
                                "device", "command", "seed", "start_time", "end_time", "plan"]
    assert attributes["title"] == "small" and attributes["experiment"] == "amicl" and attributes["seed"] == 7
    assert attributes["Conventions"].startswith("CF-")
    assert attributes["host"] == socket.gethostname()
    assert attributes["command"] == "ecphory run small.toml --output small.h5"
    start, end = (datetime.datetime.fromisoformat(attributes[name]) for name in ["start_time", "end_time"])
    assert start.utcoffset() == datetime.timedelta(0) and start <= end <= datetime.datetime.now(datetime.timezone.utc)
    assert "_NCProperties" not in attributes


def test_creation_order_is_tracked_and_starts_with_the_coordinates(small_result):
    tracked = h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED
    with h5py.File(small_result) as file:
        root = file["/"].id
        assert root.get_create_plist().get_link_creation_order() == tracked
        for thing in [root, *(array.id for array in file.values())]:
            assert thing.get_create_plist().get_attr_creation_order() == tracked
        names = []
        root.links.iterate(lambda name: names.append(name.decode()), idx_type=h5py.h5.INDEX_CRT_ORDER)
    assert names == [*SHAPE_OF_MATRICES, *DIMENSIONS]


def test_types_are_those_that_every_reader_has(small_result):
    with h5py.File(small_result) as file:
        attributes = [file.attrs, *(array.attrs for array in file.values())]
        for name, array in file.items():
            string = h5py.check_string_dtype(array.dtype)
            if string is not None:
                assert (string.encoding, string.length) == ("utf-8", None), name
            else:
                assert array.dtype in ("<f8", "<f4", "<i8", "u1"), name
                assert h5py.check_enum_dtype(array.dtype) is None, name
        for name, value in (pair for group in attributes for pair in group.items()):
            assert numpy.ndim(value) <= 1, name


def test_precision_and_compression_are_on_request(ecphory, experiment, small_result):
    assert ecphory("run", experiment(), "--set", "record.precision=single", "--set", "record.gzip=9").returncode == 0
    with h5py.File(ecphory.folder / "small.h5") as single, h5py.File(small_result) as double:
        assert double["distance"].dtype == "<f8" and double["distance"].compression is None
        assert single["distance"].dtype == "<f4" and single["distance"].compression == "gzip"
        assert single["distance"].compression_opts == 9
        assert single["a"].dtype == "<f8"
        assert numpy.array_equal(single["distance"], double["distance"][()].astype("f4"))


def test_a_missing_file_and_a_file_that_is_not_hdf5_say_so(tmp_path):
    with pytest.raises(ecphory_analysis.ResultError, match=r"none\.h5: there is no such file; ecphory run writes one"):
        ecphory_analysis.open(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(ecphory_analysis.ResultError, match=r"text\.h5: this is not a readable HDF5 file"):
        ecphory_analysis.open(tmp_path / "text.h5")
