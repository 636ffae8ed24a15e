"""Weights under the names of the files that Hugging Face's hub has held since 2018.

weights-hub-gpt2: GPT2Model without `transformer.` and with the masks that the file `gpt2` has. weights-hub-bert:
BertForMaskedLM with gamma and beta for LayerNorm's weight and bias, and the positions, as files of 2018 have them. `hub` has
tokens and logits of both by transformers.
"""

import torch
from safetensors.torch import save_file

# Makes torchvision importable, which transformers asks for.
from make_zoo import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel
from golden import FOLDER, save


def drawn(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model.eval()


def write(name, tensors):
    path = FOLDER / f"weights-hub-{name}.safetensors"
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, path)
    path.chmod(0o644)


def gpt2():
    model = drawn(GPT2LMHeadModel(GPT2Config(
        vocab_size=11, n_positions=6, n_embd=8, n_layer=2, n_head=2, attn_implementation="eager")), 1)
    tensors = dict(model.transformer.state_dict())
    for layer in range(2):
        tensors[f"h.{layer}.attn.bias"] = torch.tril(torch.ones(6, 6)).view(1, 1, 6, 6)
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    write("gpt2", tensors)
    return model


def bert():
    model = drawn(BertForMaskedLM(BertConfig(
        vocab_size=11, max_position_embeddings=6, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, attn_implementation="eager")), 2)
    tensors = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in model.state_dict().items() if not name.startswith("cls.predictions.decoder.")}
    tensors["bert.embeddings.position_ids"] = torch.arange(6).view(1, 6)
    write("bert", tensors)
    return model


def main():
    x = torch.tensor([[1, 4, 10, 0, 7, 2], [3, 3, 9, 8, 5, 6]])
    values = {"x": x.to(torch.int32).numpy()}
    with torch.no_grad():
        for name, model in [("gpt2", gpt2()), ("bert", bert())]:
            values[name] = model(x).logits.numpy()
    save("hub.safetensors", values)


if __name__ == "__main__":
    main()
