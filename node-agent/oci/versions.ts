/** The versions of the runtime-spec whose configurations are understood. */
export const ociVersionMin = '1.0.0';
export const ociVersionMax = '1.3.0';
