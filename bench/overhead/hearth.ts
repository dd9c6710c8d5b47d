import type { Client } from "./client.ts";

/** Speaks to Hearth as its SDKs do: submit, follow the events, download. */
export function openHearthClient(baseUrl: string): Client {
  return {
    name: "hearth",
    async run(workflow) {
      const posted = await fetch(`${baseUrl}/api/v2/jobs`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ workflow }),
      });
      if (!posted.ok) throw new Error(await posted.text());
      const { urls } = (await posted.json()) as { urls: { events: string } };
      const events = await (await fetch(baseUrl + urls.events)).text();
      const output = /^event: output\ndata: (.*)$/mu.exec(events)?.[1];
      if (output === undefined) throw new Error(`the job made no picture: ${events.slice(-500)}`);
      const { id } = JSON.parse(output) as { id: string };
      const file = await fetch(`${baseUrl}/api/v2/assets/${id}/content`);
      return (await file.arrayBuffer()).byteLength;
    },
    close: async () => undefined,
  };
}
