import { Button, PasswordInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { isLocked } from "../api/ask.ts";
import { readToken, writeToken } from "../api/token.ts";
import { useTasks } from "../api/use-answers.ts";
import { PageTitle } from "./page-title.tsx";

/** Shows what is inside; while the server wants a token, asks for that first. */
export function TokenGate({ children }: { readonly children: ReactNode }) {
  const { error } = useTasks();
  return isLocked(error) ? <TokenForm /> : children;
}

function TokenForm() {
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const wrong = readToken() !== undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    writeToken(token.trim());
    void client.resetQueries();
  };
  return (
    <form className="panel token" onSubmit={submit}>
      <PageTitle>This server asks for its token</PageTitle>
      <p className="dim">
        It is the value that its setting <code>server.token</code> refers to. This tab keeps it until it is closed.
      </p>
      <PasswordInput
        label="Token"
        value={token}
        onChange={(event) => setToken(event.currentTarget.value)}
        error={wrong ? "The server did not accept this token." : undefined}
        autoComplete="off"
        required
        withAsterisk={false}
      />
      <div>
        <Button type="submit">Go on</Button>
      </div>
    </form>
  );
}
