"""A real Slurm of one node on loopback: munged, slurmctld and slurmd, with all their files in one folder."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PACKAGES = ["slurm-wlm", "munge"]
PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scontrol", "scancel", "setpriv"]

#: With /usr/sbin, which is not on every user's path.
PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"}


class Unavailable(Exception):
    """There is no Slurm here; the message says why in one line."""


def install(seconds=180):
    """Slurm's programs are there afterwards; root gets them from the distribution's packages, unless the environment has
    ECPHORY_INSTALL=no. Throws Unavailable.
    """
    missing = [program for program in PROGRAMS if not shutil.which(program, path=PATH)]
    if not missing:
        return
    remedy = f"no {missing[0]}: install the packages {' and '.join(PACKAGES)}"
    if os.environ.get("ECPHORY_INSTALL") == "no" or os.getuid() != 0 or not shutil.which("apt-get"):
        raise Unavailable(remedy)
    deadline = time.monotonic() + seconds
    for verb in [["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]]:
        try:
            subprocess.run(["apt-get", "-q", *verb], env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                           stdin=subprocess.DEVNULL, capture_output=True, check=True,
                           timeout=max(1, deadline - time.monotonic()))
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{remedy} (apt-get {verb[0]}: {type(error).__name__})") from error


def free_ports(count):
    """Ports of 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def processes_with(**variables):
    """The ids of the running processes that have all these environment variables."""
    wanted = {f"{name}={value}".encode() for name, value in variables.items()}
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if wanted <= set(path.read_bytes().split(b"\0")):
                found.append(int(path.parent.name))
    return found


class Slurm:
    """A context manager: the daemons run inside it and are gone afterwards, with all that they started.

    folder: new or empty; its path is short, for sockets lie in it. cpus: so many tasks run at a time, whatever the
    machine has. node_timeout: seconds after which a silent node counts as down and its tasks are requeued.
    """

    def __init__(self, folder, cpus=2, node_timeout=60):
        self.folder = Path(folder)
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.folder / "slurm.conf")}
        self._controller_port, self._node_port = free_ports(2)
        self._options = {"cpus": cpus, "node_timeout": node_timeout}
        self._daemons = {}

    def __enter__(self):
        install()
        try:
            self._write_files()
            self._start("munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key",
                        f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid",
                        f"--log-file={self.folder}/munged.log",
                        f"--seed-file={self.folder}/munged.seed", until=(self.folder / "munge.socket").exists)
            self._start("slurmctld", "-D", "-i", until=lambda: self._run("scontrol", "ping"))
            self.start_slurmd()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    def submit(self, script, *arguments, options=()):
        """Hands a script with its arguments to sbatch in the folder; the job's id."""
        return int(self._run("sbatch", "--parsable", *options, script, *arguments))

    def states(self, job):
        """The state of each task of an array, by its number: PENDING, RUNNING, COMPLETED, ..."""
        return self._tasks(job, "State:30")

    def restarts(self, job):
        """How often each task of an array has been put back into the queue, by its number."""
        return {task: int(count) for task, count in self._tasks(job, "RestartCnt:30").items()}

    def wait(self, job, seconds):
        """The states of the array's tasks when all have ended."""
        deadline = time.monotonic() + seconds
        while not set((states := self.states(job)).values()) <= ENDED:
            assert time.monotonic() < deadline, f"job {job} after {seconds} s: {states}\n{self.logs()}"
            time.sleep(0.1)
        return states

    def requeue(self, job, task):
        """scontrol requeue: a running task is ended by SIGTERM and, after KillWait, SIGKILL, then run again."""
        self._run("scontrol", "requeue", f"{job}_{task}")

    def cancel(self, job, task):
        """scancel: SIGTERM and, after KillWait, SIGKILL."""
        self._run("scancel", f"{job}_{task}")

    def warn(self, job, task):
        """USR1 to the task's script alone, as `#SBATCH --signal=B:USR1@...` has it sent before time is up.

        Not while a task of the array has yet to start: scancel would send the signal again and again.
        """
        self._run("scancel", "--batch", "--signal=USR1", f"{job}_{task}")

    def kill_task(self, job, task, script=False, seconds=10):
        """kill -9 to what the task's script has started, as soon as there is anything; also to the script if told."""
        deadline = time.monotonic() + seconds
        killed = 0
        while killed == 0:
            assert time.monotonic() < deadline, f"task {task} of job {job} ran nothing\n{self.logs()}"
            for pid in processes_with(SLURM_CONF=self.environment["SLURM_CONF"], SLURM_ARRAY_JOB_ID=job,
                                      SLURM_ARRAY_TASK_ID=task):
                with contextlib.suppress(OSError):  # it has ended
                    if script or b"slurm_script" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                        os.kill(pid, signal.SIGKILL)
                        killed += 1

    def stop_slurmd(self):
        """kill -9 to the node's daemon. Tasks that run go on; one that Slurm is just launching may get lost."""
        daemon = self._daemons.pop("slurmd")
        daemon.kill()
        daemon.wait()

    def start_slurmd(self):
        """Starts the node's daemon and waits until the node takes tasks."""
        self._start("slurmd", "-D", "-N", "localhost", until=self._node_answers)

    def logs(self):
        """The ends of the daemons' logs."""
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-2000:]}"
                         for path in sorted(self.folder.glob("*.log")))

    def _write_files(self):
        template = (Path(__file__).parent / "slurm.conf.in").read_text()
        user = pwd.getpwuid(os.getuid()).pw_name
        for name in ["state", "spool"]:
            (self.folder / name).mkdir(parents=True)
        (self.folder / "slurm.conf").write_text(template.format(
            folder=self.folder, user=user, controller_port=self._controller_port, node_port=self._node_port,
            **self._options))
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)

    def _start(self, name, *options, until, seconds=20):
        """Starts a daemon, which ends with this process at the latest, and waits for the condition."""
        errors = self.folder / f"{name}.err"
        self._daemons[name] = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", name, *options], cwd=self.folder,
                                               env=self.environment, stdin=subprocess.DEVNULL,
                                               stdout=subprocess.DEVNULL, stderr=errors.open("ab"))
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, RuntimeError):
                if until():
                    return
            if self._daemons[name].poll() is not None or time.monotonic() > deadline:
                last = (errors.read_text(errors="replace").splitlines() or ["it says nothing"])[-1]
                raise Unavailable(f"{name} does not start: {last}")
            time.sleep(0.05)

    def _node_answers(self):
        socket.create_connection(("127.0.0.1", self._node_port), timeout=1).close()
        return self._run("sinfo", "--noheader", "--format=%T").strip() in ("idle", "mixed", "allocated", "completing")

    def _stop(self):
        for daemon in reversed(self._daemons.values()):
            daemon.kill()
            daemon.wait()
        while left := processes_with(SLURM_CONF=self.environment["SLURM_CONF"]):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _tasks(self, job, field):
        """One field of squeue for each task of an array, by its number. Tasks that have ended stay for MinJobAge."""
        lines = self._run("squeue", "--array", "--states=all", "--noheader", f"--jobs={job}",
                          f"--Format=ArrayTaskID:30,{field}").splitlines()
        return {int(task): value for task, value in map(str.split, lines)}

    def _run(self, *command):
        done = subprocess.run([str(part) for part in command], cwd=self.folder, env=self.environment, text=True,
                              capture_output=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
        return done.stdout
