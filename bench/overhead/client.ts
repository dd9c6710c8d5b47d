/** One way to get a picture from a workflow. */
export interface Client {
  readonly name: string;
  /** From submit to the downloaded output, whose size in bytes it returns. */
  run(workflow: object): Promise<number>;
  close(): Promise<void>;
}
