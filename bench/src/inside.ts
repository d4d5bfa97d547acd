/** Times `one` inside the container; prints the median in ms. */
function timed(one: string): string {
  return `
import os, time
def one():
${one}
samples = []
for _ in range(300):
    begin = time.perf_counter()
    one()
    samples.append((time.perf_counter() - begin) * 1000)
samples.sort()
print(samples[len(samples) // 2])
`;
}

/** fork and exec of `true`, as its Python does it. */
export const FORK_EXEC_PROGRAM = timed(`
    pid = os.fork()
    if pid == 0:
        os.execve("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
`);

/** The same by vfork, the fastest way that there is: no page table is copied. */
export const VFORK_EXEC_PROGRAM = timed(`
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
`);
