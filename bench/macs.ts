/** The MAC address of the machine of that number: lower case with colons. */
export const macOf = (n: number): string => {
  const pair = (byte: number) => (byte & 255).toString(16).padStart(2, "0");
  return `52:54:00:${pair(n >> 16)}:${pair(n >> 8)}:${pair(n)}`;
};
