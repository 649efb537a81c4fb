import type { Place } from '../place.ts';

/** Tells the actor that a place has verdicts to apply. A lost ring is made good by the sweep. */
export interface WorkBell {
  ring(place: Place): Promise<void>;
}
