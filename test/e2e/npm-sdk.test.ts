import { postgresServers } from "../database.ts";
import { describeOfficialSdk } from "./npm-sdk.suite.ts";
import { startStack } from "./stack.ts";

describeOfficialSdk("against a gateway", async () => {
  const stack = await startStack(postgresServers()[0]!.url);
  return { url: stack.gateway.url, folder: stack.folder, close: () => stack.close() };
});
