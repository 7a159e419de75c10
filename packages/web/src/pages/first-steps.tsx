import declaration from "./first-dataset.txt?raw";

/** What to do with an installation that has nothing in it. */
export function FirstSteps() {
  return (
    <section className="panel first-steps" aria-label="First steps">
      <p className="lead">Mainstem runs, and no dataset is declared yet. The first takes three steps.</p>
      <ol>
        <li>
          <p>
            Declare it, in a file <code>datasets.ts</code>:
          </p>
          <Code label="A declaration">{declaration.trim()}</Code>
        </li>
        <li>
          <p>Apply the declaration:</p>
          <Code label="The command that applies it">mainstem apply datasets.ts</Code>
        </li>
        <li>
          <p>Send a record. A few seconds later it is a row:</p>
          <Code label="The commands that send a record and ask for it">
            {`echo '{"orderId":"A-1","revision":1,"status":"placed"}' | mainstem send shop.orders\nmainstem query "SELECT * FROM shop.orders"`}
          </Code>
        </li>
      </ol>
      <p className="dim">This page shows it as soon as it is there.</p>
    </section>
  );
}

function Code({ label, children }: { readonly label: string; readonly children: string }) {
  return (
    <pre className="code" tabIndex={0} role="region" aria-label={label}>
      {children}
    </pre>
  );
}
