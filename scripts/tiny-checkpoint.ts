/**
 * Writes a checkpoint that a real ComfyUI loads and runs on any machine: an SD3 of one block with
 * small random weights, the tiny autoencoder, and a CLIP-L of zeros, which takes 235 MB of a sparse
 * file and no place on the disk. `node scripts/tiny-checkpoint.ts FILE`
 */
import { open } from "node:fs/promises";

type Shape = readonly number[];

interface Placed {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: "F32" | "F16";
  /** Zeros are left as a hole in the file. */
  readonly isZero: boolean;
}

const hidden = 64;
const latentChannels = 16;
const weightScale = 0.02;

function linear(name: string, outputs: number, inputs: number): readonly [string, Shape][] {
  return [
    [`${name}.weight`, [outputs, inputs]],
    [`${name}.bias`, [outputs]],
  ];
}

/** One block of SD3's transformer; ComfyUI reads its depth off these shapes. */
function diffusion(): readonly [string, Shape][] {
  const block = "joint_blocks.0";
  const names: readonly [string, Shape][] = [
    ["x_embedder.proj.weight", [hidden, latentChannels, 2, 2]],
    ["x_embedder.proj.bias", [hidden]],
    ["pos_embed", [1, 4096, hidden]],
    ...linear("t_embedder.mlp.0", hidden, 256),
    ...linear("t_embedder.mlp.2", hidden, hidden),
    ...linear("y_embedder.mlp.0", hidden, 2048),
    ...linear("y_embedder.mlp.2", hidden, hidden),
    ...linear("context_embedder", hidden, 4096),
    ...linear(`${block}.context_block.attn.qkv`, 3 * hidden, hidden),
    ...linear(`${block}.context_block.adaLN_modulation.1`, 2 * hidden, hidden),
    ...linear(`${block}.x_block.attn.qkv`, 3 * hidden, hidden),
    ...linear(`${block}.x_block.attn.proj`, hidden, hidden),
    ...linear(`${block}.x_block.mlp.fc1`, 4 * hidden, hidden),
    ...linear(`${block}.x_block.mlp.fc2`, hidden, 4 * hidden),
    ...linear(`${block}.x_block.adaLN_modulation.1`, 6 * hidden, hidden),
    ...linear("final_layer.linear", 4 * latentChannels, hidden),
    ...linear("final_layer.adaLN_modulation.1", 2 * hidden, hidden),
  ];
  return names.map(([name, shape]) => [`model.diffusion_model.${name}`, shape]);
}

function convolution(name: string, outputs: number, inputs: number): readonly [string, Shape][] {
  return [
    [`${name}.weight`, [outputs, inputs, 3, 3]],
    [`${name}.bias`, [outputs]],
  ];
}

function residual(name: string): readonly [string, Shape][] {
  return [0, 2, 4].flatMap((layer) => convolution(`${name}.conv.${layer}`, 64, 64));
}

/** The layers of TAESD by their places: convolutions at the ends, residual blocks, bare ones. */
function autoencoder(): readonly [string, Shape][] {
  const half = (
    prefix: string,
    ends: readonly (readonly [place: number, outputs: number, inputs: number])[],
    blocks: readonly number[],
    bare: readonly number[],
  ): readonly [string, Shape][] => [
    ...ends.flatMap(([place, ...sizes]) => convolution(`${prefix}.${place}`, ...sizes)),
    ...blocks.flatMap((place) => residual(`${prefix}.${place}`)),
    ...bare.map((place): [string, Shape] => [`${prefix}.${place}.weight`, [64, 64, 3, 3]]),
  ];
  const encoder = half(
    "first_stage_model.taesd_encoder",
    [
      [0, 64, 3],
      [14, latentChannels, 64],
    ],
    [1, 3, 4, 5, 7, 8, 9, 11, 12, 13],
    [2, 6, 10],
  );
  const decoder = half(
    "first_stage_model.taesd_decoder",
    [
      [1, 64, latentChannels],
      [19, 3, 64],
    ],
    [3, 4, 5, 8, 9, 10, 13, 14, 15, 18],
    [7, 12, 17],
  );
  return [...encoder, ...decoder];
}

function textEncoder(): readonly [string, Shape][] {
  const width = 768;
  const norm = (name: string): readonly [string, Shape][] => [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
  const layers = Array.from({ length: 12 }, (_, index) => {
    const layer = `encoder.layers.${index}`;
    return [
      ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((name) =>
        linear(`${layer}.self_attn.${name}`, width, width),
      ),
      ...linear(`${layer}.mlp.fc1`, 4 * width, width),
      ...linear(`${layer}.mlp.fc2`, width, 4 * width),
      ...norm(`${layer}.layer_norm1`),
      ...norm(`${layer}.layer_norm2`),
    ];
  });
  const names: readonly [string, Shape][] = [
    ["embeddings.token_embedding.weight", [49_408, width]],
    ["embeddings.position_embedding.weight", [77, width]],
    ...layers.flat(),
    ...norm("final_layer_norm"),
  ];
  const prefix = "text_encoders.clip_l.transformer.text_model";
  return names.map(([name, shape]) => [`${prefix}.${name}`, shape]);
}

function tensors(): readonly Placed[] {
  const random = [...diffusion(), ...autoencoder()];
  return [
    ...random.map(([name, shape]): Placed => ({ name, shape, dtype: "F32", isZero: false })),
    ...textEncoder().map(([name, shape]): Placed => ({ name, shape, dtype: "F16", isZero: true })),
  ];
}

function bytesOf({ shape, dtype }: Placed): number {
  return shape.reduce((product, size) => product * size, 1) * (dtype === "F32" ? 4 : 2);
}

/** The same numbers every time. */
function randomWeights(bytes: number, seed: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = seed;
  for (let at = 0; at < bytes; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    buffer.writeFloatLE((state / 2 ** 31 - 1) * weightScale, at);
  }
  return buffer;
}

const [, , path] = process.argv;
if (path === undefined) throw new Error("Say where to write the checkpoint.");
const header: Record<string, unknown> = {};
const placed: (readonly [Placed, number])[] = [];
let offset = 0;
for (const tensor of tensors()) {
  const end = offset + bytesOf(tensor);
  header[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] };
  placed.push([tensor, offset]);
  offset = end;
}
const text = JSON.stringify(header);
const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
const start = Buffer.alloc(8 + padded.length);
start.writeBigUInt64LE(BigInt(padded.length));
start.write(padded, 8);
const file = await open(path, "w");
await file.write(start, 0, start.length, 0);
for (const [index, [tensor, at]] of placed.entries()) {
  if (tensor.isZero) continue;
  const weights = randomWeights(bytesOf(tensor), index + 1);
  await file.write(weights, 0, weights.length, start.length + at);
}
await file.truncate(start.length + offset);
await file.close();
process.stdout.write(`${path}: ${start.length + offset} bytes\n`);
