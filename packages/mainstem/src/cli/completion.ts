import { Argument, Command } from "commander";
import type { DatasetSummary, TaskDetail } from "./answers.ts";
import { createClient, type Client } from "./client.ts";
import { completeWords, type Candidate, type Names } from "./complete-words.ts";
import { print, type Context, type Start } from "./context.ts";
import { findServer } from "./server-address.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

/** Who presses Tab waits for no server that is slow. */
const namesMsMax = 1_000;

/** `mainstem completion SHELL` */
export function completionCommand(start: Start): Command {
  const command = new Command("completion")
    .description("write what makes a shell complete commands, options, and the names of datasets and tasks of a server that answers")
    .addArgument(new Argument("<shell>", "bash, zsh or fish").choices(shells))
    .addHelpText(
      "after",
      "\nIt asks this program for each completion, so it need not be written again when the program is a newer one." +
        "\nThe name that is completed is mainstem. Where it is not on the PATH but in a project, a function makes it one, in bash and zsh" +
        '\n  mainstem() { npx mainstem "$@"; }' +
        "\nand in fish" +
        "\n  function mainstem; npx mainstem $argv; end; funcsave mainstem" +
        "\nnode_modules/.bin/mainstem in place of npx mainstem takes half the time, in the project's folder and with its Node on the PATH." +
        '\n\nExamples:\n  mainstem completion bash >> ~/.bashrc\n  mainstem completion zsh > "${fpath[1]}/_mainstem"\n  mainstem completion fish > ~/.config/fish/completions/mainstem.fish',
    );
  return command.action((shell: Shell) =>
    start(command, (context) => print(context, { shell, text: scripts[shell] }, ({ text }) => [text.trimEnd()]), { server: "none" }),
  );
}

/** `mainstem complete -- WORDS`: what the shells' scripts call. A line for each candidate: the word, a tab, what it is; `:files` where names of files fit. */
export function completeCommand(start: Start): Command {
  const command = new Command("complete")
    .description("say what the last of the words could be, a line each; the shells ask it")
    .argument("[words...]", "what stands behind the program's name, the last word as far as it is written")
    .addHelpText("after", "\nExamples:\n  mainstem complete -- send shop.");
  return command.action((words: readonly string[]) =>
    start(
      command,
      async (context) => {
        const program = command.parent ?? command;
        const { candidates, files } = await completeWords(program, words, namesOf(context, command));
        await print(context, { candidates, files }, () => [
          ...candidates.map(({ value, about }) => `${value}\t${about.replaceAll(/\s+/g, " ")}`),
          ...(files ? [":files"] : []),
        ]);
      },
      { server: "none" },
    ),
  );
}

/** Where no server answers, or not in time, there are no names. */
function namesOf(context: Context, command: Command): Names {
  const ask = async (work: (client: Client, signal: AbortSignal) => Promise<readonly Candidate[]>): Promise<readonly Candidate[]> => {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(namesMsMax)]);
    try {
      const flag = command.optsWithGlobals<{ readonly server?: string }>().server;
      return await work(createClient(await findServer({ flag, env: process.env, cwd: process.cwd() })), signal);
    } catch {
      return [];
    }
  };
  return {
    datasets: () =>
      ask(async (client, signal) => {
        const { body } = await client.call({ path: "/v1/datasets", signal });
        return (body as { readonly datasets: readonly DatasetSummary[] }).datasets.map(({ name, description = "" }) => ({ value: name, about: description }));
      }),
    tasks: () =>
      ask(async (client, signal) => {
        const { body } = await client.call({ path: "/v1/tasks", signal });
        return (body as { readonly tasks: readonly TaskDetail[] }).tasks.map(({ name, verdict }) => ({ value: name, about: verdict }));
      }),
  };
}

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# Completion of mainstem for bash.
_mainstem() {
  local line current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <("$1" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _mainstem mainstem
`,
  zsh: `#compdef mainstem
# Completion of mainstem for zsh.
_mainstem() {
  local line
  local -a candidates
  for line in "\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ "$line" == ":files" ]]; then
      _files
    elif [[ -n "$line" ]]; then
      candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  (( $#candidates )) && _describe mainstem candidates
}
if [[ "$funcstack[1]" == "_mainstem" ]]; then _mainstem "$@"; else compdef _mainstem mainstem; fi
`,
  fish: `# Completion of mainstem for fish.
function __mainstem_complete
  set -l tokens (commandline -opc)
  set -l program $tokens[1]
  set -e tokens[1]
  set -l current (commandline -ct)
  for line in ($program complete -- $tokens "$current" 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c mainstem -f -a '(__mainstem_complete)'
`,
};
