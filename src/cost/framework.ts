/** What the deployment is for, as the platform selection matrix has it. */
export const useCases = [
  "high-frequency",
  "prototyping",
  "enterprise",
  "cost-sensitive",
  "batch",
] as const;

export type UseCase = (typeof useCases)[number];

export const priorities = ["cost", "balanced", "performance"] as const;

/** What matters more where both cannot be had. */
export type Priority = (typeof priorities)[number];

export interface Question {
  /** Wanted from submit to result at the 95th percentile. */
  readonly latencyMs: number;
  readonly requestsPerDay: number;
  readonly priority: Priority;
  readonly useCase: UseCase | null;
}

export interface Rule {
  readonly criterion: "use case" | "latency" | "cost" | "scale";
  /** Platforms that the rule points to, by their ids. Empty: any. */
  readonly platforms: readonly string[];
  readonly advice: string;
}

const matrix: Readonly<Record<UseCase, Rule>> = {
  "high-frequency": useCase(["runpod"], "the fastest cold starts, paid by use"),
  prototyping: useCase(["modal"], "easy to develop on"),
  enterprise: useCase(["ecs"], "runs within the ecosystem and the account of a company"),
  "cost-sensitive": useCase(["cloud-run"], "competitive prices, good performance"),
  batch: useCase(["kubernetes"], "the best use of machines that are paid for anyway"),
};

/**
 * The platform selection matrix and the decision framework of the requirements, word by word as
 * rules. They know no prices and no workflow; what a simulation finds is held against them.
 */
export function rulesFor(question: Question): readonly Rule[] {
  const { useCase, latencyMs, priority, requestsPerDay } = question;
  return [
    ...(useCase === null ? [] : [matrix[useCase]]),
    latencyRule(latencyMs),
    costRule(priority),
    scaleRule(requestsPerDay),
  ];
}

function latencyRule(latencyMs: number): Rule {
  const criterion = "latency";
  if (latencyMs < 1_000) {
    return { criterion, platforms: ["runpod"], advice: "below 1 s: RunPod with pre-warming" };
  }
  if (latencyMs <= 10_000) {
    return {
      criterion,
      platforms: ["modal", "cloud-run"],
      advice: "1 to 10 s: Modal or Cloud Run",
    };
  }
  return { criterion, platforms: [], advice: "above 10 s: any platform, by its cost" };
}

function costRule(priority: Priority): Rule {
  const criterion = "cost";
  switch (priority) {
    case "cost":
      return { criterion, platforms: ["kubernetes"], advice: "least cost: batches on Kubernetes" };
    case "balanced":
      return {
        criterion,
        platforms: ["runpod", "modal"],
        advice: "balanced: RunPod or Modal with a scaling policy",
      };
    case "performance":
      return { criterion, platforms: ["ecs"], advice: "performance first: AWS, large instances" };
  }
}

function scaleRule(requestsPerDay: number): Rule {
  const criterion = "scale";
  if (requestsPerDay < 100) {
    return { criterion, platforms: [], advice: "below 100 a day: any serverless platform" };
  }
  if (requestsPerDay < 10_000) {
    return {
      criterion,
      platforms: ["runpod", "modal"],
      advice: "below 10,000 a day: RunPod or Modal",
    };
  }
  return {
    criterion,
    platforms: [],
    advice: "from 10,000 a day: a base load on reserved machines, peaks on serverless",
  };
}

function useCase(platforms: readonly string[], advice: string): Rule {
  return { criterion: "use case", platforms, advice };
}
