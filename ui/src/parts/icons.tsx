// The few drawings of the interface. They say nothing that no word says, so that readers of screens leave them out.
import type { ReactNode } from "react";

const SHAPES = {
  check: <path d="M4 10.5 8 14.5 16 5.5" />,
  cross: <path d="M5 5l10 10M15 5 5 15" />,
  clock: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M10 6v4l3 2" />
    </>
  ),
  turn: <path d="M16.5 10a6.5 6.5 0 1 1-2-4.7" />,
  stop: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M5.5 14.5l9-9" />
    </>
  ),
  warn: <path d="M10 3 18 17H2Zm0 5v4m0 2.5v.1" />,
  question: <path d="M7 7a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.400M10 15v.1" />,
  sun: (
    <>
      <circle cx="10" cy="10" r="3.5" />
      <path d="M10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.300l1.5 1.500M14.2 14.200l1.5 1.500M4.3 15.700l1.5-1.500M14.2 5.800l1.5-1.5" />
    </>
  ),
  moon: <path d="M15.5 12.500A6.5 6.5 0 0 1 7.5 4.500a6.5 6.5 0 1 0 8 8Z" />,
  person: (
    <>
      <circle cx="10" cy="7" r="3" />
      <path d="M4 17c0-3.5 2.5-5 6-5s6 1.5 6 5" />
    </>
  ),
  copy: (
    <>
      <rect x="7" y="7" width="9" height="10" rx="1.5" />
      <path d="M13 7V4.500A1.5 1.5 0 0 0 11.5 3h-6A1.5 1.5 0 0 0 4 4.500v7A1.5 1.5 0 0 0 5.5 13H7" />
    </>
  ),
  down: <path d="M10 3v10m-4-4 4 4 4-4M4 17h12" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, size = 16, turning = false }: { name: IconName; size?: number; turning?: boolean }) {
  return (
    <svg
      viewBox="0 0 20 20"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      data-turning={turning || undefined}
    >
      {SHAPES[name]}
    </svg>
  );
}
