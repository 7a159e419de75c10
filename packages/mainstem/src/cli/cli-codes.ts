/** Every code of the command line's own failures, with what to do about it; those of the server are in `runtime/errors.ts`. */
export const cliCodes = {
  "cli.answer": "Give the address of a Mainstem server with --server or MAINSTEM_SERVER: another program answers there, or something between.",
  "cli.connection": "See the server's log, and repeat the command.",
  "cli.csv": "Mend the file, or say how it is written with --delimiter and --null.",
  "cli.file": "Check the file's name, its permissions and what it holds.",
  "cli.folder": "Choose a folder that is new or empty.",
  "cli.interrupted": "It was told to stop (Ctrl-C); what was done until then is done.",
  "cli.noServer": "Start one with `mainstem dev`, or name one that runs with --server or MAINSTEM_SERVER.",
  "cli.usage": "See --help.",
} as const;

export type CliCode = keyof typeof cliCodes;
