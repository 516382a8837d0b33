/** The number behind `NAME=` among a run's arguments. */
export function numberArg(args: readonly string[], name: string, otherwise: number): number {
  return Number(args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise);
}
