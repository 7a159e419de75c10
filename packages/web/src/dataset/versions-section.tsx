import type { ContractVersion } from "../api/answers.ts";
import { useHistory } from "../api/use-answers.ts";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { Waiting } from "../parts/waiting.tsx";
import { When } from "../parts/when.tsx";
import { toVisibleText } from "../visible-text.ts";
import { differencesOf, type Difference } from "./contract-differences.ts";

/** Every version of the contract, the newest first, with what it changed. */
export function VersionsSection({ name, version }: { readonly name: string; readonly version: number }) {
  const { data, error } = useHistory(name, version);
  if (data === undefined) return error === null ? <Waiting /> : <ProblemNotice error={error} />;
  const versions = data.versions.toSorted((a, b) => b.version - a.version);
  return (
    <div className="section">
      <ProblemNotice error={error} shown />
      <ol className="versions" reversed>
        {versions.map((one, index) => (
          <Version key={one.version} version={one} before={versions[index + 1]} />
        ))}
      </ol>
    </div>
  );
}

function Version({
  version: { version, appliedAt, spec, provenance },
  before,
}: {
  readonly version: ContractVersion;
  readonly before: ContractVersion | undefined;
}) {
  const differences = before === undefined ? [] : differencesOf(before.spec, spec);
  return (
    <li>
      <h3>
        Version {version}{" "}
        <span className="dim">
          applied <When time={appliedAt} />
          {provenance === undefined ? "" : ` from ${toVisibleText(provenance)}`}
        </span>
      </h3>
      {before === undefined ? (
        <p className="dim">The first: {spec.schema.fields.length} fields.</p>
      ) : (
        <ul className="differences">
          {differences.map((difference) => (
            <DifferenceLine key={`${difference.kind} ${difference.what}`} difference={difference} />
          ))}
        </ul>
      )}
    </li>
  );
}

const signs = { added: "+", removed: "−", changed: "~" } as const;

function DifferenceLine({ difference: { kind, what, from, to } }: { readonly difference: Difference }) {
  return (
    <li data-kind={kind}>
      <span className="sign" aria-hidden>
        {signs[kind]}
      </span>
      <span>
        {toVisibleText(what)} {kind}
        {from === undefined && to === undefined ? "" : ": "}
        {from !== undefined && <code>{toVisibleText(from)}</code>}
        {from !== undefined && to !== undefined && " → "}
        {to !== undefined && <code>{toVisibleText(to)}</code>}
      </span>
    </li>
  );
}
