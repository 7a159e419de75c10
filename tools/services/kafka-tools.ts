// Apache Kafka's own command-line tools, from Maven Central: for tests that our files are what Kafka takes them for.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, installPackage, isThere, runProgram } from "./programs.ts";
import type { Output } from "./programs.ts";

const dependencies = ["org.apache.kafka:kafka_2.13:4.3.1", "org.apache.kafka:kafka-tools:4.3.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"] as const;

/** What the tools print must not depend on the machine's locale. The first two are for Java 17, the last for later ones. */
const utf8 = ["-Dfile.encoding=UTF-8", "-Dsun.stdout.encoding=UTF-8", "-Dstdout.encoding=UTF-8"];

export interface KafkaTools {
  /** The folder of the jars; `<folder>/*` is the class path, also of the broker. */
  readonly libraries: string;
  /** Runs a main class, such as `org.apache.kafka.tools.DumpLogSegments`. Rejects when it fails. */
  run(mainClass: string, args: readonly string[]): Promise<Output>;
}

/** Fetches the jars with Maven, or finds them as they were fetched before. Java and Maven are installed with apt-get where they are missing. */
export async function openKafkaTools(): Promise<KafkaTools> {
  await ensure("java", { args: ["-version"], debianPackage: "default-jre-headless" });
  const pom = pomOf(dependencies);
  const home = join(cacheDirectory(), "kafka", createHash("sha256").update(pom).digest("hex").slice(0, 16));
  if (!(await isThere(home))) await fetchLibraries(home, pom);
  const libraries = join(home, "libs");
  return {
    libraries,
    run: (mainClass, args) =>
      runProgram("java", ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx256m", ...utf8, "-cp", join(libraries, "*"), mainClass, ...args]),
  };
}

/** Two processes may do this at once: each fetches into a draft of its own, and one of them stays. */
async function fetchLibraries(home: string, pom: string): Promise<void> {
  await ensure("mvn", { args: ["--version"], debianPackage: "maven" });
  const draft = `${home}-draft-${randomUUID()}`;
  await mkdir(draft, { recursive: true });
  try {
    await writeFile(join(draft, "pom.xml"), pom);
    const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${join(draft, "libs")}`];
    await runProgram("mvn", ["--quiet", "--batch-mode", "--file", join(draft, "pom.xml"), ...goal]);
    await rename(draft, home);
  } catch (error) {
    if (!(await isThere(home))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function ensure(program: string, { args, debianPackage }: { readonly args: readonly string[]; readonly debianPackage: string }): Promise<void> {
  try {
    await runProgram(program, args);
  } catch (error) {
    await installPackage(debianPackage, error);
    await runProgram(program, args);
  }
}

function pomOf(coordinates: readonly string[]): string {
  const elements = coordinates.map((one) => {
    const [group, artifact, version] = one.split(":");
    return `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>mainstem</groupId>
  <artifactId>kafka-tools</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${elements.join("\n")}
  </dependencies>
</project>
`;
}
