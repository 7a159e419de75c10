import type { Env } from "../runtime/env.ts";
import { isAbort, toErrorValue } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Fence, StateStore } from "../state/index.ts";

/** How often a lease is renewed, and one that somebody else holds is asked for. */
export const renewEveryMs = Math.round(limits.leaseMs / 3);

/** A lease that is renewed until it is disposed, which releases it. */
export interface Lease extends AsyncDisposable {
  readonly fence: Fence;
  /** Aborted when the lease was lost: to another holder, or because the state could not be reached for as long as it lasts. */
  readonly lost: AbortSignal;
}

export interface LeaseOptions {
  readonly leases: StateStore["leases"];
  readonly env: Env;
  readonly logger: Logger;
  readonly name: string;
  readonly owner: string;
  /** Called after each renewal; its failure counts for nothing. */
  readonly onRenewed: () => Promise<void>;
}

/** Takes a lease, or tells who holds it. Whether it is over is judged by the state's clock alone. */
export async function acquireLease(options: LeaseOptions): Promise<Lease | { readonly heldBy: string }> {
  const { leases, env, name, owner } = options;
  const renewedAt = env.monotonic();
  const acquired = await leases.acquire(name, { owner, ttlMs: limits.leaseMs });
  if (acquired.kind === "taken") return { heldBy: acquired.by };
  const { fence } = acquired;
  const lost = new AbortController();
  const ended = new AbortController();
  const renewing = renew(options, { fence, renewedAt, lost, ended: ended.signal });
  return {
    fence,
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await renewing;
      // If it cannot be released now it ends by itself.
      await leases.release(fence).catch((error: unknown) => options.logger.warn("lease not released", { lease: name, ...toErrorValue(error) }));
    },
  };
}

interface Renewing {
  readonly fence: Fence;
  readonly renewedAt: number;
  readonly lost: AbortController;
  readonly ended: AbortSignal;
}

async function renew({ leases, env, logger, onRenewed }: LeaseOptions, { fence, renewedAt, lost, ended }: Renewing): Promise<void> {
  let heldFrom = renewedAt;
  while (!lost.signal.aborted) {
    try {
      await env.sleep(renewEveryMs, { signal: ended });
      const askedAt = env.monotonic();
      if (await leases.renew(fence, { ttlMs: limits.leaseMs })) {
        heldFrom = askedAt;
        await onRenewed().catch(() => undefined);
        continue;
      }
      logger.warn("lease lost to another holder", { lease: fence.name });
    } catch (error) {
      if (ended.aborted && (isAbort(error) || error === ended.reason)) return;
      logger.warn("lease not renewed", { lease: fence.name, ...toErrorValue(error) });
      if (env.monotonic() - heldFrom < limits.leaseMs) continue;
    }
    lost.abort(new DOMException("The lease was lost.", "AbortError"));
  }
}
