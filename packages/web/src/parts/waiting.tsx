import { Text } from "@mantine/core";
import { useEffect, useState } from "react";

/** Answers come within this time as a rule; a word that comes and goes sooner would only flicker. */
const patienceMs = 500;

/** Says that something is being loaded, once it takes so long that one would wonder. */
export function Waiting() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), patienceMs);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Text c="dimmed" className="waiting" role="status">
      {late ? "Loading …" : ""}
    </Text>
  );
}
