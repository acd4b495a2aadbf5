"""Programs that end although they should go on. Exit codes: 128 + n for signal n; 126 and 127 are the shell's (POSIX)."""

from kubeschool.diagnosis.signs import ended, wrote
from kubeschool.diagnosis.situation import Situation

LOGS = "kubectl logs {name}{n} -c {container}{previous}"

CRASHES = (
    Situation(
        "out-of-memory",
        ended("OOMKilled"),
        wrong="its container {container} used more memory than it may, and was killed (OOMKilled)",
        means=(
            "limits.memory is {memory}. The operating system kills a program at the limit, with SIGKILL and so with exit code 137; it "
            "cannot say goodbye."
        ),
        see="kubectl describe pod {name}{n}",
        fix="raise limits.memory ({change}), or find out what the program needs it for",
    ),
    Situation(
        "port-in-use",
        wrote("address (already )?in use"),
        wrong="its container {container} wants a port that another container of the Pod has",
        means="The containers of a Pod share one address, so each port is there once. The scheduler knows nothing of that.",
        see=LOGS,
        fix="let it listen on another port, or make it a Pod of its own ({change})",
    ),
    Situation(
        "shell-not-found",
        ended(codes=(127,)),
        wrong="its container {container} ends with exit code 127: a command was not found",
        means="The shell started and did not find a command it was told to run: {command}.",
        see=LOGS,
        fix="correct the command ({change})",
    ),
    Situation(
        "shell-not-allowed",
        ended(codes=(126,)),
        wrong="its container {container} ends with exit code 126: a file may not be run",
        means="The shell found the file, which is not executable: {command}.",
        see=LOGS,
        fix="make the file executable, or run it with its interpreter ({change})",
    ),
    Situation(
        "killed",
        ended(codes=(137,)),
        wrong="its container {container} was killed (exit code 137)",
        means="137 is 128 + 9, SIGKILL: it did not end within its grace period, or somebody killed it.",
        see="kubectl describe pod {name}{n}",
        fix="let the program end at SIGTERM, or find who killed it in the events",
    ),
    Situation(
        "terminated",
        ended(codes=(143,)),
        wrong="its container {container} was asked to end (exit code 143)",
        means="143 is 128 + 15, SIGTERM, which the program did not handle.",
        see="kubectl describe pod {name}{n}",
        fix="find who asked in the events",
    ),
    Situation(
        "segfault",
        ended(codes=(139, 134)),
        wrong="its container {container} crashed (exit code {code})",
        means="139 is a segmentation fault, 134 an abort: a fault of the program, or an image for another processor.",
        see=LOGS,
        fix="read the log; try another version of the image",
    ),
    Situation(
        "ends-well-again-and-again",
        ended(codes=(0,)),
        wrong="its container {container} ends, without an error, and is started again and again",
        means="restartPolicy: Always is for programs that go on for ever, and this one does its work and ends: {command}.",
        see="kubectl logs {name}{n} -c {container}",
        fix="give it a program that goes on ({change}), or make it a Job",
    ),
    Situation(
        "crashes",
        ended(),
        wrong="its container {container} ends with exit code {code}",
        means="The program itself gave up; what it wrote last usually says why. {restarts}.",
        see=LOGS,
        fix="mend what the log names: a setting, a file, another service ({change})",
    ),
)
