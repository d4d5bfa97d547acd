/** Times fork and exec of `true` inside the container, by the fastest way its Python has; prints the median in ms. */
export const FORK_EXEC_PROGRAM = `
import os, time
samples = []
for _ in range(300):
    begin = time.perf_counter()
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    samples.append((time.perf_counter() - begin) * 1000)
samples.sort()
print(samples[len(samples) // 2])
`;
