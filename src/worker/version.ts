import packageJson from "../../package.json" with { type: "json" };

/** What the agent calls itself when it enrols. */
export const agentVersion: string = packageJson.version;
