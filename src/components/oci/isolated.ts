/**
 * A command line that runs a program in a mount and a process namespace of its own, which end with us, however we end: when
 * this process is killed, so is everything that the program started, and its mounts are gone.
 *
 * setpriv asks the kernel to kill unshare when its parent dies (prctl(2), PR_SET_PDEATHSIG); unshare does so for the first
 * process of the namespace, with which all others end (pid_namespaces(7)).
 */
export const isolated = (program: string, ...args: string[]): [file: string, args: string[]] => [
  "setpriv",
  [
    "--pdeathsig=KILL",
    "unshare",
    "--mount",
    "--propagation=private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    program,
    ...args,
  ],
];
