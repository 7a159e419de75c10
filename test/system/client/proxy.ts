import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A network between a client and a platform that changes its address with every start. */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Where connections go; undefined: they are refused at once. */
  target: string | undefined;
  /** The next connections are answered so, as a gateway in front of a busy server does. */
  answers: string[];
  /** Breaks every connection off. */
  cut(): void;
  /** From now on bytes of answers come in pieces, each after so many milliseconds. */
  delayMs: number;
}

export async function startProxy(): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    track(client);
    client.on("error", () => client.destroy());
    const answer = proxy.answers.shift();
    if (answer !== undefined) {
      client.once("data", () => client.end(answer));
      return;
    }
    if (proxy.target === undefined) {
      client.destroy();
      return;
    }
    const { hostname, port } = new URL(proxy.target);
    const upstream = connect(Number(port), hostname);
    track(upstream);
    upstream.on("error", () => client.destroy());
    // Behind what is still to come of the answer.
    upstream.on("close", () => setTimeout(() => client.destroySoon(), proxy.delayMs + 1));
    client.on("close", () => upstream.destroy());
    client.pipe(upstream);
    upstream.on("data", (bytes: Buffer) => {
      upstream.pause();
      setTimeout(() => {
        client.write(bytes);
        upstream.resume();
      }, proxy.delayMs);
    });
  });
  function track(socket: Socket): void {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: undefined,
    answers: [],
    delayMs: 0,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      proxy.cut();
      await once(server, "close");
    },
  };
  return proxy;
}
