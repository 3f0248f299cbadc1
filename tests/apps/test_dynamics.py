"""Experiments on dynamics: what is refused beforehand, trajectories that fail, and the numbers of a run."""

import h5py
import numpy
import pytest

from conftest import ROOT

MODERN = ROOT / "experiments/relaxation/modern.toml"
TWO_LAYER = ROOT / "experiments/relaxation/two_layer.toml"
IMAGES = ROOT / "experiments/images/completion.toml"
AMICL = ROOT / "experiments/amicl/dynamics.toml"


@pytest.mark.parametrize("file, settings, key, said", [
    (MODERN, ["model.tau=-1"], "model.tau", "a number > 0"),
    (MODERN, ["model.beta=-1"], "model.beta", "a number > 0"),
    (MODERN, ["integrator.rtol=0"], "integrator.rtol", "a number > 0"),
    (MODERN, ["integrator.duration=0"], "integrator.duration", "a number > 0"),
    (MODERN, ["integrator.method=rk4"], "integrator.method", "one of euler, runge_kutta_4"),
    (MODERN, ["model.name=modem"], "model.name", 'did you mean "modern"?'),
    (TWO_LAYER, ["model.tau_hidden=-0.1"], "model.tau_hidden", "a number >= 0"),
    (TWO_LAYER, ["integrator.coordinates=overlap"], "integrator.coordinates", "not exactly one of its layers is instantaneous"),
    (AMICL, ["model.noise_h=0.1", "integrator.method=cvode"], "integrator.method", "euler_maruyama_ito or heun_stratonovich"),
    (AMICL, ["model.noise_h=0.1"], "integrator.method", "dormand_prince cannot integrate a network with noise"),
    (IMAGES, ["task.file=none.idx"], "task.file", "there is no such file"),
    (IMAGES, [f"task.file={__file__}"], "task.file", "no format that patterns can be read from"),
    (AMICL, ["model.trace=leaky", "model.tau_z=0"], "model.tau_z", "a number > 0"),
])
def test_what_cannot_be_integrated_is_refused_before_anything_starts(ecphory, file, settings, key, said):
    run = ecphory("run", file, "--output", "x.h5", *(part for setting in settings for part in ("--set", setting)))
    assert run.returncode == 2
    assert key in run.stderr and said in run.stderr
    assert list(ecphory.folder.iterdir()) == []


def test_trajectories_that_fail_are_counted_and_the_rest_is_kept(ecphory):
    run = ecphory("run", MODERN, "--output", "x.h5", "--set", "integrator.max_steps=3")
    assert run.returncode == 3
    assert "6 trajectories failed" in run.stderr
    with h5py.File(ecphory.folder / "x.h5") as file:
        assert file["failed_trajectories"][()] == 6
        meanings = file["ending"].attrs["flag_meanings"].split()
        assert {meanings[code] for code in file["ending"][:]} == {"step_limit"}
        assert (file["end_time"][:] < 60).all()


def test_a_relaxation_records_what_it_says(ecphory):
    assert ecphory("run", MODERN, "--output", "x.h5", "--set", "record.states=true", "--set", "record.points=31").returncode == 0
    with h5py.File(ecphory.folder / "x.h5") as file:
        assert numpy.allclose(file["time"][:], numpy.linspace(0, 60, 31))
        assert file["time"].attrs["units"] == "ms"
        assert file["state"].shape == (6, 31, 100)
        energy = file["energy"][:]
        assert (numpy.diff(energy, axis=1) <= 1e-9).all() and (energy[:, 0] - energy[:, -1] > 0.1).all()
        overlap = file["overlap"][:]
        assert all(overlap[j, -1, j] > 0.99 for j in range(6))


def test_coordinates_do_not_change_the_numbers(ecphory):
    results = []
    for coordinates in ["neuron", "overlap"]:
        name = f"{coordinates}.h5"
        assert ecphory("run", MODERN, "--output", name, "--set", f"integrator.coordinates={coordinates}", "--set",
                       "integrator.rtol=1e-10", "--set", "integrator.atol=1e-12").returncode == 0
        with h5py.File(ecphory.folder / name) as file:
            results.append((file["energy"][:], file["overlap"][:]))
    for one, other in zip(*results):
        assert numpy.abs(one - other).max() < 1e-8
