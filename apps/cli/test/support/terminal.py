"""Runs a program with a terminal, types what the JSON on stdin says, and prints what it wrote.

{"argv": [...], "cwd": "...", "steps": [{"wait": TEXT, "type": TEXT?, "resize": [ROWS, COLUMNS]?}]}
"""
import fcntl, json, os, pty, select, struct, sys, termios, time

plan = json.load(sys.stdin)
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(plan["cwd"])
    os.execvp(plan["argv"][0], plan["argv"])

def resize(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

resize(30, 100)
seen = b""
looked = 0
steps = plan["steps"]
deadline = time.monotonic() + 30
while time.monotonic() < deadline:
    ready, _, _ = select.select([terminal], [], [], 0.2)
    if ready:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    while steps and steps[0]["wait"].encode() in seen[looked:]:
        step = steps.pop(0)
        looked = seen.index(step["wait"].encode(), looked) + len(step["wait"].encode())
        if "resize" in step:
            resize(*step["resize"])
        if "type" in step:
            os.write(terminal, step["type"].encode())
if steps:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
attributes = termios.tcgetattr(terminal)
print(json.dumps({"code": code, "output": seen.decode("utf8", "replace"), "missed": [s["wait"] for s in steps],
                  "echo": bool(attributes[3] & termios.ECHO)}))
