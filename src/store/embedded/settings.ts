import { clusterNameOf } from "./orphans.ts";

/** Marks the process of one data folder, readable in its command line and by SQL. */
export const folderSetting = "hearth.data_folder";

export interface SettingsInput {
  readonly port: number;
  readonly dataFolder: string;
  /** Later settings win over ours. */
  readonly extraSettings: Readonly<Record<string, string>>;
}

/** Settings of a small private server that loses nothing it acknowledged. */
export function serverSettings(input: SettingsInput): Readonly<Record<string, string>> {
  return {
    [folderSetting]: input.dataFolder,
    cluster_name: clusterNameOf(input.dataFolder),
    // Loopback TCP only: every local process finds it, and a socket's path may be too long.
    listen_addresses: "127.0.0.1",
    port: String(input.port),
    unix_socket_directories: "",
    max_connections: "100",
    fsync: "on",
    full_page_writes: "on",
    synchronous_commit: "on",
    shared_buffers: "64MB",
    max_wal_size: "512MB",
    // Parallel queries need /dev/shm, which containers limit to 64 MB.
    max_parallel_workers_per_gather: "0",
    jit: "off",
    // The job tables change fast and stay small: clean up early.
    autovacuum_vacuum_scale_factor: "0.02",
    autovacuum_analyze_scale_factor: "0.02",
    autovacuum_vacuum_insert_scale_factor: "0.05",
    autovacuum_naptime: "15s",
    idle_in_transaction_session_timeout: "60s",
    timezone: "UTC",
    // Standard error is the log, kept within bounds by ServerLog; terse keeps row values out.
    logging_collector: "off",
    log_destination: "stderr",
    log_line_prefix: "%m [%p] ",
    log_error_verbosity: "terse",
    log_checkpoints: "off",
    log_timezone: "UTC",
    ...input.extraSettings,
  };
}

/** As arguments of `postgres`. */
export function settingArguments(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
