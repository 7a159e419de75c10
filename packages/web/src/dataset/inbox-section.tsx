import { Button } from "@mantine/core";
import { useState } from "react";
import type { InboxEntry, InboxGroup } from "../api/answers.ts";
import { useInboxEntry, type useInbox } from "../api/use-answers.ts";
import { formatAmount } from "../numbers.ts";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { Waiting } from "../parts/waiting.tsx";
import { When } from "../parts/when.tsx";
import { toVisibleText } from "../visible-text.ts";

/** Of an original; the whole is had with `mainstem inbox show NAME ID`. */
const charactersMax = 4_000;

/** Records that wait, by cause, with one of each as it came. */
export function InboxSection({ name, inbox: { data, error } }: { readonly name: string; readonly inbox: ReturnType<typeof useInbox> }) {
  if (data === undefined) return error === null ? <Waiting /> : <ProblemNotice error={error} />;
  return (
    <div className="section">
      <ProblemNotice error={error} shown />
      {data.groups.length === 0 ? (
        <p className="dim">Nothing waits in the inbox.</p>
      ) : (
        <ul className="causes">
          {data.groups.map((group) => (
            <Cause key={group.group} name={name} group={group} />
          ))}
        </ul>
      )}
      {data.more && <p className="dim">More wait than are counted here.</p>}
      {data.groups.length > 0 && (
        <p className="dim">
          <code>mainstem inbox preview {name} --group GROUP</code> tries a fix, <code>retry</code> sends the mended records again, <code>drop</code> gives them
          up with a reason.
        </p>
      )}
    </div>
  );
}

function Cause({ name, group }: { readonly name: string; readonly group: InboxGroup }) {
  const { group: id, code, path, expected, count, from, first, last, example } = group;
  const [open, setOpen] = useState(false);
  const place = path === undefined || path === "" ? undefined : toVisibleText(path);
  const fault = expected === undefined || expected === "" ? ` is ${code}` : `: ${toVisibleText(expected)} expected`;
  const action = open ? "Hide it" : "Show one";
  return (
    <li className="cause">
      <div className="cause-head">
        <div>
          <h3>
            {place === undefined ? "The record" : <code>{place}</code>}
            {fault}
          </h3>
          <p className="dim">
            Group <code>{id}</code>, {code}, {from === "door" ? "refused at the door" : `from ${toVisibleText(from)}`}, <When time={first} />
            {first.slice(0, 19) === last.slice(0, 19) ? null : (
              <>
                {" "}
                to <When time={last} />
              </>
            )}
          </p>
        </div>
        <p className="cause-count">{formatAmount(count, "record")}</p>
      </div>
      <Button
        variant="default"
        size="compact-sm"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        aria-label={`${action}, ${place ?? "the record"}${fault}`}
      >
        {action}
      </Button>
      {open && <Entry name={name} id={example} label={`The record as it came, ${place ?? "the record"}${fault}`} />}
    </li>
  );
}

function Entry({ name, id, label }: { readonly name: string; readonly id: string; readonly label: string }) {
  const { data, error } = useInboxEntry(name, id);
  if (data === undefined) return error === null ? <Waiting /> : <ProblemNotice error={error} />;
  return (
    <div className="entry">
      <ul>
        {data.errors.map(({ path, expected, received }) => (
          <li key={`${path} ${expected}`}>
            {path === "" ? "the record" : <code>{toVisibleText(path)}</code>}: {expected === "" ? null : <>expected {toVisibleText(expected)}, received </>}
            {toVisibleText(received)}
          </li>
        ))}
      </ul>
      <pre className="code" tabIndex={0} role="region" aria-label={label}>
        {originalText(data)}
      </pre>
    </div>
  );
}

/** From the door it is text as it was sent; a task's bytes are shown as the record that they are. */
function originalText({ from, original, record }: InboxEntry): string {
  if (from !== "door" && record !== undefined) return toVisibleText(JSON.stringify(record, null, 2), { multiline: true }).slice(0, charactersMax);
  if (original === null) return "Its bytes were not kept.";
  const bytes = Uint8Array.from(atob(original), (character) => character.charCodeAt(0));
  return toVisibleText(new TextDecoder().decode(bytes), { multiline: true }).slice(0, charactersMax);
}
