import { once } from "node:events";
import { fork, type ChildProcess } from "node:child_process";

/** What a server process is asked, and what it answers. */
export type Ask = "cpu" | "end";
export type Told = { readonly kind: "listening"; readonly port: number } | { readonly kind: "cpu"; readonly seconds: number };

export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  /** CPU seconds since its start, of all its threads. */
  cpuSeconds(): Promise<number>;
}

export async function startServer(module: URL): Promise<ServerProcess> {
  const child = fork(module, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const told = await nextMessage(child);
  if (told.kind !== "listening") throw new Error("the server did not begin by telling its port");
  return {
    port: told.port,
    async cpuSeconds() {
      const answer = nextMessage(child);
      child.send("cpu" satisfies Ask);
      const cpu = await answer;
      if (cpu.kind !== "cpu") throw new Error("the server did not tell its CPU time");
      return cpu.seconds;
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.send("end" satisfies Ask);
      await ended;
    },
  };
}

/** Called in the server process once it listens. */
export function serveParent({ port, close }: { readonly port: number; readonly close: () => Promise<void> }): void {
  const tell = (message: Told): void => void process.send?.(message);
  process.on("message", (ask: Ask) => {
    if (ask === "end") void close().finally(() => process.connected && process.disconnect());
    else {
      const { user, system } = process.cpuUsage();
      tell({ kind: "cpu", seconds: (user + system) / 1e6 });
    }
  });
  tell({ kind: "listening", port });
}

function nextMessage(child: ChildProcess): Promise<Told> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the server ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message as Told);
    });
  });
}
