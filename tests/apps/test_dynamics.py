"""Experiments on dynamics: what is refused beforehand, trajectories that fail, and the numbers of a run."""

import subprocess
import sys

import h5py
import numpy
import pytest

from conftest import BINARY, ROOT

MODERN = ROOT / "experiments/relaxation/modern.toml"
TWO_LAYER = ROOT / "experiments/relaxation/two_layer.toml"
IMAGES = ROOT / "experiments/images/completion.toml"
AMICL = ROOT / "experiments/amicl/dynamics.toml"
DENSE = ROOT / "experiments/relaxation/dense.toml"
SIMPLICIAL = ROOT / "experiments/relaxation/simplicial.toml"
TRANSFORMER = ROOT / "experiments/relaxation/energy_transformer.toml"
CURVE = ROOT / "experiments/capacity/curve.toml"
CAPACITY = ROOT / "experiments/capacity/classical.toml"
SECTION = ROOT / "experiments/landscape/section.toml"
BRANCH = ROOT / "experiments/continuation/modern.toml"
DENOISING = ROOT / "experiments/denoising/optimum.toml"


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
    (MODERN, ["model.current_sigma=0.1"], "integrator.method", "dormand_prince cannot integrate a network with noise"),
    (MODERN, ["model.noise=-0.1"], "model.noise", "a number >= 0"),
    (MODERN, ["record.kept=everything"], "record.kept", "one of times, steps, end, statistics"),
    (AMICL, ["model.noise_h=0.1"], "integrator.method", "dormand_prince cannot integrate a network with noise"),
    (IMAGES, ["task.file=none.idx"], "task.file", "there is no such file"),
    (IMAGES, [f"task.file={__file__}"], "task.file", "no format that patterns can be read from"),
    (AMICL, ["model.trace=leaky", "model.tau_z=0"], "model.tau_z", "a number > 0"),
    (DENSE, ["integrator.method=asynchronous"], "integrator.method", "the neurons of visible are not binary"),
    (DENSE, ["integrator.temperature=0.5"], "integrator.temperature", "has no effect here"),
    (DENSE, ["model.connectivity=0"], "model.connectivity", "a number > 0 and <= 1"),
    (SIMPLICIAL, ["model.density=3", "model.share=0"], "model.density", "a density of at most 1"),
    (SIMPLICIAL, ["model.connectivity=0.5"], "model.connectivity", "synapses that are not matrices"),
    (TRANSFORMER, ["task.neurons=50", "model.tokens=7"], "model.tokens", "5 or 10"),
    (CURVE, ["sweep.task.load={values=[0.0001]}"], "task.load", "a load of at least 0.001"),
    (CAPACITY, ["capacity.low=0.5"], "capacity.low", "capacity.low < capacity.high"),
    (SECTION, ["task.patterns=2"], "landscape.section", "at least three patterns"),
    (BRANCH, ["continuation.low=-1"], "model.beta", "a number > 0"),
    (BRANCH, ["continuation.parameter=model.bata"], "continuation.parameter", "one of model.beta, model.tau"),
    (DENOISING, ["task.subspace=17"], "task.subspace", "1 to 16"),
])
def test_what_cannot_be_integrated_is_refused_before_anything_starts(ecphory, file, settings, key, said):
    run = ecphory("run", file, "--output", "x.h5", *(part for setting in settings for part in ("--set", setting)))
    assert run.returncode == 2
    assert key in run.stderr and said in run.stderr
    assert list(ecphory.folder.iterdir()) == []


def test_trajectories_that_fail_are_counted_and_the_rest_is_kept(ecphory):
    run = ecphory("run", MODERN, "--output", "x.h5", "--set", "integrator.max_steps=3")
    assert run.returncode == 3
    assert "6 failed trajectories" in run.stderr
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
        assert "The energy never rises" in file["certificate"][()].decode()
        energy = file["energy"][:]
        assert (numpy.diff(energy, axis=1) <= 1e-9).all() and (energy[:, 0] - energy[:, -1] > 0.1).all()
        overlap = file["overlap"][:]
        assert all(overlap[j, -1, j] > 0.99 for j in range(6))


def test_what_is_kept_of_a_trajectory(ecphory):
    files = {}
    for kept in ["times", "steps", "end", "statistics"]:
        run = ecphory("run", TWO_LAYER, "--output", f"{kept}.h5", "--set", f"record.kept={kept}", "--set", "record.states=true",
                      *(["--set", "record.every=2"] if kept == "steps" else []))
        assert run.returncode == 0, run.stderr
        files[kept] = h5py.File(ecphory.folder / f"{kept}.h5")
    end = files["end"]["state"][:]
    assert end.shape == (6, 120)
    assert (files["times"]["state"][:, -1] == end).all()
    assert (files["times"]["energy"][:, -1] - files["end"]["energy"][:] < 1e-12).all()
    time, state = files["steps"]["time"][:], files["steps"]["state"][:]
    assert time.shape == state.shape[:2]
    for j in range(6):
        n = numpy.isfinite(time[j]).sum()
        assert n > 5 and time[j, 0] == 0 and (numpy.diff(time[j, :n]) > 0).all() and time[j, n - 1] <= 200
        assert numpy.isfinite(state[j, :n]).all() and numpy.isnan(state[j, n:]).all()
    assert set(files["statistics"]) >= {"mean", "variance", "end_time"} and "energy" not in files["statistics"]
    assert (files["statistics"]["variance"][:] >= 0).all()
    assert numpy.abs(files["statistics"]["mean"][:] - end).max() < 0.5  # it spends most of its time near the end


def test_a_record_larger_than_memory_passes_through(ecphory):
    """The record is 330 MB; the program may take 100 MB more address space than it does for a tiny one."""
    sizes = ["task.neurons=512", "task.patterns=16", "task.cues=100", "record.states=true"]
    settings = [part for setting in sizes for part in ("--set", setting)]

    def peak(points):
        code = ("import resource, subprocess, sys; assert subprocess.run(sys.argv[1:]).returncode == 0;"
                "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        command = [sys.executable, "-c", code, BINARY, "run", MODERN, "--output", f"{points}.h5", *settings,
                   "--set", f"record.points={points}"]
        run = subprocess.run(command, cwd=ecphory.folder, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return int(run.stdout.split()[-1])

    small, large = peak(2), peak(800)
    assert (ecphory.folder / "800.h5").stat().st_size > 320e6
    assert large - small < 20_000  # kB
    with h5py.File(ecphory.folder / "800.h5") as file:
        assert numpy.isfinite(file["state"][99, 799]).all()


def test_fluctuations_have_the_size_that_is_asked_for(ecphory):
    """A memory at rest in a deep minimum answers white noise as a leaky neuron would, up to the memory's own pull."""
    settings = ["integrator.method=heun_stratonovich", "integrator.step=0.1", "integrator.duration=200", "task.level=0",
                "task.cues=20", "model.current_sigma=0.02", "model.current_tau=5", "model.noise=0.01", "record.states=true"]
    run = ecphory("run", MODERN, "--output", "x.h5", *(part for setting in settings for part in ("--set", setting)))
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "x.h5") as file:
        assert "noise" in file["certificate"][()].decode()
        pattern, state, overlap = file["state"][:, :1, :100], file["state"][:, 100:], file["overlap"][:]
    assert state.shape[2] == 200  # neurons, then currents
    assert abs(state[:, :, 100:].std() / 0.02 - 1) < 0.03
    neurons = state[:, :, :100] - pattern
    expected = (0.01**2 + 0.02**2 * 5 / (5 + 10)) ** 0.5
    assert abs(neurons.std() / expected - 1) < 0.05
    assert all(overlap[j, -1, j] > 0.9 for j in range(20))


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


@pytest.mark.parametrize("file, settings, key, said", [
    (MODERN, ["integrator.method=cvode"], "integrator.method", "cvode does not run on a GPU"),
    (MODERN, ["integrator.method=synchronous"], "integrator.method", "synchronous does not run on a GPU"),
    (MODERN, ["integrator.coordinates=overlap"], "integrator.coordinates", "overlap space is not on a GPU"),
    (SIMPLICIAL, [], "--device", "has no form for a GPU"),
    (SECTION, [], "--device", "the experiment landscape runs on the CPU"),
])
def test_what_has_no_form_for_a_gpu_is_refused_before_anything_starts(ecphory, file, settings, key, said):
    run = ecphory("run", file, "--output", "x.h5", "--device", "cuda", *(part for setting in settings for part in ("--set", setting)))
    assert run.returncode == 2
    assert key in run.stderr and said in run.stderr
    assert list(ecphory.folder.iterdir()) == []


@pytest.mark.parametrize("settings", [
    ["record.kept=times", "record.states=true"],
    ["record.kept=steps", "integrator.method=exponential_euler", "integrator.step=0.5"],
    ["record.kept=end", "integrator.converged_below=1e-4"],
    ["record.kept=statistics", "integrator.method=heun_stratonovich", "model.noise=0.05"],
])
def test_on_a_gpu_trajectories_are_those_of_the_cpu(ecphory, settings):
    common = [MODERN, "--set", "integrator.coordinates=neuron", "--set", "integrator.duration=60",
              *(part for setting in settings for part in ("--set", setting))]
    run = ecphory("run", *common, "--device", "cuda", "--output", "there.h5")
    if run.returncode == 2:
        assert "this build of Ecphory has no CUDA" in run.stderr or "no GPU" in run.stderr
        assert not (ecphory.folder / "there.h5").exists()
        pytest.skip("no GPU: trajectories there are not compared with those on the CPU")
    assert run.returncode == 0, run.stderr
    assert ecphory("run", *common, "--output", "here.h5").returncode == 0
    with h5py.File(ecphory.folder / "there.h5") as there, h5py.File(ecphory.folder / "here.h5") as here:
        assert there.attrs["device"] == "cuda:0"
        assert set(there) == set(here)
        for name in here:
            if here[name].dtype.kind == "f":  # to the tolerance of the integration, 1e-6
                numpy.testing.assert_allclose(there[name], here[name], rtol=1e-4, atol=1e-4)
