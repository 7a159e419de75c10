import { IconPlugConnectedX } from "@tabler/icons-react";
import { isAway } from "../api/ask.ts";
import { useTasks } from "../api/use-answers.ts";
import { When } from "./when.tsx";

/** Says that the server is away, and of when is what the page shows meanwhile. The region is always there, so that it is read out when it fills. */
export function AwayNotice() {
  const { error, dataUpdatedAt } = useTasks();
  return (
    <div role="status">
      {isAway(error) && (
        <div className="notice" data-tone="bad">
          <IconPlugConnectedX size={20} aria-hidden />
          <div>
            <strong>The server does not answer.</strong>
            <p>
              {dataUpdatedAt === 0 ? (
                "Start it again, or look at the network."
              ) : (
                <>
                  What stands here is as of <When time={new Date(dataUpdatedAt).toISOString()} />.
                </>
              )}{" "}
              The page goes on by itself when it is back.
            </p>
          </div>
        </div>
      )}
    </div>
  );
}
