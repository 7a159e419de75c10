import { Command } from "commander";
import type { Start } from "./context.ts";
import { addServeOptions, loadSettings, serve, untilStopped, type ServeOptions } from "./serve.ts";

/** `mainstem start` */
export function startCommand(start: Start): Command {
  const command = addServeOptions(new Command("start"), { logLevel: "info" })
    .description("run the platform as it is configured, for good: under systemd, in a container, on a server")
    .addHelpText(
      "after",
      "\nNothing is made easier than the configuration says: settings that are not given have the defaults of docs/reference/configuration.md," +
        "\nand every step is logged to standard error, one JSON object a line. SIGTERM and Ctrl-C answer what runs, tell the rest to come later," +
        "\nand end with 0; a second one ends at once. `mainstem doctor` looks for what would be in its way." +
        '\nWith --json the first line of standard output says that it is ready: {"kind":"ready","url":…}.' +
        "\n\nExamples:\n  mainstem start --data-dir /var/lib/mainstem\n  mainstem start --config /etc/mainstem.yaml --log-level warn\n  MAINSTEM_SERVER_TOKEN=… mainstem start --host 0.0.0.0",
    );
  return command.action((options: ServeOptions) =>
    start(
      command,
      async (context) => {
        // In a journal there is nothing but the log.
        const greets = context.terminal.width !== undefined;
        await serve(context, await loadSettings(options), { greets, meanwhile: () => untilStopped(context) });
      },
      { server: "none" },
    ),
  );
}
