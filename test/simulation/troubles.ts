import { addMs } from '../../domain/instants.ts';
import { type Cast, doorFor, linesOf, operatorOf } from './cast.ts';
import { offlineLimitMs } from './house.ts';
import type { KnownDoor, KnownLink, KnownPass } from './model.ts';
import type { Line } from './network.ts';
import { unlock } from './visits.ts';
import type { World } from './world.ts';

/* What time, lines, disks and machines do. */

/** A wall clock is put forward by this much at most, to the edge of a window. */
const edgeMsMax = 3 * 3_600_000;
/** How long an agent hears nothing beyond its limit, at most. */
const longerMsMax = 300_000;

export async function waitALittle({ world }: Cast): Promise<void> {
  await world.pass(world.chance.between(100, 2_000));
}

export async function waitLonger({ world }: Cast): Promise<void> {
  await world.pass(world.chance.between(4_000, 30_000));
}

/** The machines sleep for hours. */
export function sleep({ world }: Cast): void {
  const hoursLong = world.chance.pick([1, 3, 11, 30]);
  if (!world.jump(hoursLong * 3_600_000)) return;
  world.note(`${hoursLong} hours have passed: it is ${world.time.instant()}`);
}

/** To the very moment at which a link begins or ends, and somebody is there who tries. */
export function goToAnEdge(cast: Cast): void {
  const { world } = cast;
  const { chance, time } = world;
  const phone = chance.pick(cast.phones);
  const link = chance.maybePick(phone.links.filter(isAlive));
  if (!link) return;
  const edges = [...link.until.values, ...link.from.values].filter((edge) => edge !== null);
  const toMs = Date.parse(chance.pick(edges)) + chance.pick([-1, 0, 0, 0, 1, -100]);
  const jumpMs = toMs - Math.floor(time.wallMs);
  if (jumpMs < 0 || jumpMs > edgeMsMax || !world.jump(jumpMs)) return;
  world.note(`it is ${time.instant()}, an edge of ${link.name}`);
  const before = phone.line.delayMsMax;
  phone.line.delayMsMax = 0;
  world.begin(() => phone.unlock(link, doorFor(world, link, true), false));
  world.time.after(1, () => {
    phone.line.delayMsMax = before;
  });
}

function isAlive({ secret, suspended, revoked }: KnownLink): boolean {
  return secret !== null && suspended.may((is) => !is) && revoked.may((is) => !is);
}

/** A command is on its way when its line stalls, and may arrive when nobody waits for it any more. */
export function stallACommand(cast: Cast): void {
  const { world } = cast;
  const { chance, model } = world;
  const { line, enrolled } = chance.pick(world.stations);
  const door = model.door(chance.pick(enrolled.door_ids));
  world.begin(async () => void (await operatorOf(cast, door.house).unlock(door)));
  world.time.after(chance.between(1, 50), () => {
    if (line.state === 'up') line.state = 'stalled';
    world.note(`${line.name} is stalled`);
  });
  world.time.after(chance.between(1_000, 12_000), () => mend(world, line));
}

/** A pass is ended while an agent hears nothing, and shown there when the agent may not go by what it knows any more. */
export function outlastAnAgent(cast: Cast): void {
  const { world } = cast;
  const { chance, model } = world;
  const { line, enrolled } = chance.pick(world.stations);
  const door = model.door(chance.pick(enrolled.door_ids));
  const afterwards = addMs(world.time.instant(), offlineLimitMs + longerMsMax);
  const pass = chance.maybePick(
    [...model.passes.values()].filter((pass) => opensAlone(pass, door, afterwards)),
  );
  if (!pass) return;
  line.state = 'cut';
  world.note(`${line.name} is cut`);
  world.begin(async () => {
    await operatorOf(cast, door.house).suspend(pass.link, true);
    if (!world.jump(offlineLimitMs + chance.between(60_000, longerMsMax))) return;
    world.note(`it is ${world.time.instant()}`);
    await world.time.sleep(1_000); // by then it is sure that this was decided after the jump
    await chance.pick(cast.phones).present(pass.text, door, pass);
  });
  world.time.after(chance.between(1_000, 12_000), () => mend(world, line));
}

/** Whether an agent lets in whoever shows it, for all that is known, until then. */
function opensAlone({ link, terms, ended }: KnownPass, door: KnownDoor, until: string): boolean {
  const isForAgents = link.house === door.house && link.type === 'offline' && terms.usesMax.includes(null);
  return isForAgents && ended === Number.POSITIVE_INFINITY && terms.until.every((end) => until < end);
}

export function troubleALine(cast: Cast): void {
  const { world } = cast;
  const { chance } = world;
  const ofAgents = world.stations.map(({ line }) => line);
  const line = chance.happens(0.7) ? chance.pick(ofAgents) : chance.pick(linesOf(cast));
  const trouble = chance.pick(['cut', 'stalled', 'stalled', 'reset', 'slow', 'lossy'] as const);
  if (trouble === 'slow') line.delayMsMax = chance.pick([200, 1_000, 3_000, 9_000]);
  else if (trouble === 'lossy') line.lossPercent = 30;
  else if (trouble === 'reset') world.reset(line);
  else line.state = trouble;
  world.note(`${line.name} is ${trouble}`);
  if (chance.happens(0.7)) world.time.after(chance.between(50, 8_000), () => mend(world, line));
}

export function mendLines(cast: Cast): void {
  for (const line of linesOf(cast)) if (cast.world.chance.happens(0.5)) mend(cast.world, line);
}

export function mend(world: World, line: Line): void {
  line.delayMsMax = 20;
  line.lossPercent = 1;
  world.mend(line);
}

export function crashServer({ world }: Cast): void {
  world.crashServer();
}

/** In the middle of the transaction that begins next. */
export function crashInTheMiddle(cast: Cast): void {
  const { world } = cast;
  const { server } = world;
  const ticks = world.chance.between(0, 120);
  world.disk.fuse = { ticks, burn: () => world.server === server && world.crashServer() };
  for (let time = 0; time < world.chance.between(1, 3); time++) unlock(cast);
}

export function crashAnAgent({ world }: Cast): void {
  world.crashAgent(world.chance.pick(world.stations));
}

export async function fillTheDisk({ world }: Cast): Promise<void> {
  const { disk, chance } = world;
  if (chance.happens(0.5)) disk.slownessMsMax = chance.pick([50, 800, 3_000, 6_000]);
  else await disk.fill();
  world.note(disk.isFull ? 'the disk is full' : `the disk is slow: ${disk.slownessMsMax} ms`);
}

export async function mendTheDisk({ world }: Cast): Promise<void> {
  world.disk.slownessMsMax = 0;
  if (world.disk.isFull) await freeTheDisk(world);
}

export async function freeTheDisk(world: World): Promise<void> {
  await world.disk.free();
  world.note('the disk has room');
}
