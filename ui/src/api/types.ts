// Short names for the wire types of the document.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Artifact = Schemas["Artifact"];
export type AuditEntry = Schemas["AuditEntry"];
export type Capabilities = Schemas["Capabilities"];
export type ConfigStatus = Schemas["ConfigStatus"];
export type CreateRun = Schemas["CreateRun"];
export type CreateToken = Schemas["CreateToken"];
export type DetailedHealth = Schemas["DetailedHealth"];
export type FieldError = Schemas["FieldError"];
export type Health = Schemas["Health"];
export type HealthCheck = Schemas["HealthCheck"];
export type Input = Schemas["Input"];
export type LogEntry = Schemas["LogEntry"];
export type LogLevel = Schemas["LogLevel"];
export type LogLevels = Schemas["LogLevels"];
export type LogPage = Schemas["LogPage"];
export type MetricsSummary = Schemas["MetricsSummary"];
export type ParameterType = Schemas["ParameterType"];
export type Preview = Schemas["Preview"];
export type Problem = Schemas["Problem"];
export type Rerun = Schemas["Rerun"];
export type Role = Schemas["Role"];
export type Run = Schemas["Run"];
export type RunChange = Schemas["RunChange"];
export type RunStatus = Schemas["RunStatus"];
export type SetLogLevels = Schemas["SetLogLevels"];
export type Setting = Schemas["Setting"];
export type Session = Schemas["Session"];
export type Token = Schemas["Token"];
export type Tool = Schemas["ToolCapability"];
export type ToolParameter = Schemas["ToolParameter"];
export type Upload = Schemas["Upload"];
export type Version = Schemas["Version"];

/** What a JSON document can hold. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
