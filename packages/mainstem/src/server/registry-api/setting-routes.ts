import type { FastifyInstance } from "fastify";
import { subjectUnknown, type Subjects } from "../../registry/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { toJson } from "../json.ts";
import { compatibilityBody, describe, given, modeBody } from "./describe.ts";
import { isTrue, parseLevel, parseMode, type Query } from "./request.ts";

interface Settings {
  readonly Params: { readonly subject?: string };
  readonly Querystring: Query;
}

/** Compatibility levels and modes, of all subjects or of one. */
export function addSettingRoutes(app: FastifyInstance, { settings }: Subjects): void {
  const level = given.object({ compatibilityLevel: given.text });
  const mode = given.object({ mode: given.text });
  for (const path of [[], ["subject"]] as const) {
    const whose = path.length === 0 ? "all subjects" : "a subject";
    const [config, modes] = path.length === 0 ? ["/config", "/mode"] : ["/config/:subject", "/mode/:subject"];

    app.get<Settings>(
      config,
      describe(`The compatibility level of ${whose}`, { path, query: ["defaultToGlobal"], gives: level }),
      async ({ params, query }) => {
        const { own, effective } = await settings.level(params.subject);
        if (params.subject !== undefined && own === undefined && !isTrue(query, "defaultToGlobal")) throw levelUnset(params.subject);
        return toJson({ compatibilityLevel: effective });
      },
    );
    app.put<Settings>(
      config,
      describe(`Sets the compatibility level of ${whose}`, { path, body: compatibilityBody, gives: compatibilityBody }),
      async ({ params, body }) => {
        const compatibility = parseLevel(body);
        await settings.setLevel(params.subject, compatibility);
        return toJson({ compatibility });
      },
    );
    app.delete<Settings>(config, describe(`Takes the compatibility level of ${whose} back; gives what it was`, { path, gives: level }), async ({ params }) => {
      const { own, effective } = await settings.level(params.subject);
      // What the registries of the field answer who takes back what a subject does not have.
      if (params.subject !== undefined && own === undefined) throw subjectUnknown(params.subject);
      await settings.setLevel(params.subject, undefined);
      return toJson({ compatibilityLevel: effective });
    });

    app.get<Settings>(modes, describe(`The mode of ${whose}`, { path, query: ["defaultToGlobal"], gives: mode }), async ({ params, query }) => {
      const { own, effective } = await settings.mode(params.subject);
      if (params.subject !== undefined && own === undefined && !isTrue(query, "defaultToGlobal")) throw modeUnset(params.subject);
      return toJson({ mode: effective });
    });
    app.put<Settings>(
      modes,
      describe(`Sets the mode of ${whose}`, { path, query: ["force"], body: modeBody, gives: mode }),
      async ({ params, query, body }) => {
        const wanted = parseMode(body);
        await settings.setMode(params.subject, wanted, { force: isTrue(query, "force") });
        return toJson({ mode: wanted });
      },
    );
    app.delete<Settings>(modes, describe(`Takes the mode of ${whose} back; gives what it was`, { path, gives: mode }), async ({ params }) => {
      const { own, effective } = await settings.mode(params.subject);
      if (params.subject !== undefined && own === undefined) throw subjectUnknown(params.subject);
      await settings.setMode(params.subject, undefined);
      return toJson({ mode: effective });
    });
  }
}

function levelUnset(subject: string): MainstemError {
  return new MainstemError("registry.levelUnset", `Subject '${subject}' does not have subject-level compatibility configured`, { subject });
}

function modeUnset(subject: string): MainstemError {
  return new MainstemError("registry.modeUnset", `Subject '${subject}' does not have subject-level mode configured`, { subject });
}
