import Ajv2020 from 'ajv/dist/2020';
import { USD_PER_CREDIT, type Size } from '../prices';
import { toResponse, type ApiResponse, type Body } from '../types';
import { MODELS } from './inputs';
import { priceInCredits } from './prices';
import { toProblems } from '../pydantic';
import { validationError } from './problems';
import { TOOLS } from './tools';

/** `POST /v1/pricing`, as the official SDK calls it: what a request would cost. Nothing is generated. */

interface PricingInput {
	model: string;
	width?: number;
	height?: number;
	input_images?: Size[];
}

const SIDE = { type: 'integer', minimum: 1 };

const validate = new Ajv2020({ allErrors: true }).compile({
	type: 'object',
	properties: {
		model: { type: 'string', enum: [...MODELS.keys()].filter((model) => !TOOLS.has(model)) },
		width: SIDE,
		height: SIDE,
		input_images: {
			type: 'array',
			items: {
				type: 'object',
				properties: { width: SIDE, height: SIDE },
				required: ['width', 'height'],
				additionalProperties: false,
			},
		},
	},
	required: ['model'],
	additionalProperties: false,
});

export function quote(body: Body): ApiResponse {
	const input = body.kind === 'json' ? body.value : undefined;
	if (!validate(input)) throw validationError(...(validate.errors ?? []).flatMap(toProblems));
	const { model, width = 1024, height = 1024, input_images: images = [] } = input as PricingInput;
	const cost = priceInCredits(model, {}, { width, height }, images) ?? null;
	const cost_usd = cost === null ? null : Number((cost * USD_PER_CREDIT).toFixed(6));
	return toResponse(200, { cost, cost_usd, breakdown: {} });
}
